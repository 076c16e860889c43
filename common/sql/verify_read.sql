-- Verifications as people see them, newest first: one, or a page of a list. Row-level security leaves one tenant's figures.
--  $1 job (null: a list)  $2 platform (null: any)  $3 state (null: any)  $4 older than this one (null: from the newest)  $5 rows at most
SELECT v.id, v.tenant_id, v.platform, v.state, v.reason, v.repair, v.scheduled, v.created_at, v.started_at, v.updated_at,
    v.ended_at, v.retry_at, array_to_string(v.entities, ',') AS entities,
    CASE WHEN v.tenant_id <> '*' OR current_setting('sync.tenant', true) = '*' THEN v.subject END AS subject,
    (SELECT COALESCE(json_agg(json_build_object('tenant_id', p.tenant_id, 'entity_type', p.entity_type, 'phase', p.phase,
        'agreed', p.agreed, 'differing', p.differing, 'missing', p.missing, 'undeleted', p.undeleted, 'unknown', p.unknown,
        'left_out', json_build_object('moving', p.moving, 'dead', p.dead, 'contested', p.contested), 'unreadable', p.unreadable,
        'repaired', p.repaired, 'compared', p.compared, 'pages', p.pages, 'buckets_differing', p.buckets_off,
        'agreement_percent', CASE WHEN p.agreed + p.differing + p.missing + p.undeleted > 0
            THEN round(100.0 * p.agreed / (p.agreed + p.differing + p.missing + p.undeleted), 2) END) ORDER BY p.place), '[]')
        FROM verification_parts p WHERE p.job_id = v.id)::text AS parts,
    CASE WHEN $1::uuid IS NOT NULL THEN (SELECT COALESCE(json_agg(json_build_object('tenant_id', e.tenant_id,
        'entity_type', (SELECT p.entity_type FROM verification_parts p WHERE p.job_id = e.job_id AND p.place = e.part),
        'kind', e.kind, 'entity_id', e.entity_id, 'record_id', e.record_id, 'platform_id', e.platform_id, 'fields', e.fields,
        'event_id', e.event_id) ORDER BY e.part, e.place), '[]') FROM verification_examples e WHERE e.job_id = v.id)::text END
        AS examples
FROM verifications v
WHERE ($1::uuid IS NULL OR v.id = $1::uuid) AND ($2::text IS NULL OR v.platform = $2) AND ($3::text IS NULL OR v.state = $3)
  AND ($4::uuid IS NULL OR v.id < $4::uuid)
ORDER BY v.id DESC LIMIT $5::int8
