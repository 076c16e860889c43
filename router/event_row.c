/* event_row.c: a row of router_read.sql: see router.h. */
#include <string.h>

#include "json.h"
#include "log.h"
#include "router.h"

void event_row_read(const struct db_result *result, size_t row, struct event_row *event)
{
    const char *data;

    memset(event, 0, sizeof *event);
    event->row = row;
    db_get_uuid(result, row, db_column(result, "id"), &event->id);
    db_get_uuid(result, row, db_column(result, "record_id"), &event->record_id);
    event->linked = db_get_uuid(result, row, db_column(result, "linked_id"), &event->linked_id) == 0;
    event->seq = db_get_int(result, row, db_column(result, "seq"));
    event->base_version = db_get_int(result, row, db_column(result, "seen_version"));
    event->owed = db_get_bool(result, row, db_column(result, "owed"));
    if (!db_is_null(result, row, db_column(result, "started_version")))
        event->started_version = db_get_int(result, row, db_column(result, "started_version"));
    event->created_ms = db_get_time_ms(result, row, db_column(result, "created_at"));
    event->occurred_ms = db_get_time_ms(result, row, db_column(result, "occurred_at"));
    event->partition = (unsigned)db_get_int(result, row, db_column(result, "partition"));
    event->priority = (int)db_get_int(result, row, db_column(result, "priority"));
    event->status = (int)db_get_int(result, row, db_column(result, "status"));
    event->type_name = db_get_text(result, row, db_column(result, "event_type"), NULL);
    event->entity_id = db_get_text(result, row, db_column(result, "entity_id"), NULL);
    event->source = db_get_text(result, row, db_column(result, "source_platform"), NULL);
    event->targets = db_get_text(result, row, db_column(result, "targets"), NULL);
    event->tenant = db_get_text(result, row, db_column(result, "tenant_id"), NULL);
    event->open_targets = db_get_text(result, row, db_column(result, "open_targets"), NULL);
    event->expired = !db_is_null(result, row, db_column(result, "expired")) &&
                     db_get_bool(result, row, db_column(result, "expired"));
    event->snapshot = db_get_uuid(result, row, db_column(result, "backfill"), &event->backfill) == 0;
    event->snapshot_seq = event->snapshot ? db_get_int(result, row, db_column(result, "snapshot_seq")) : 0;
    event->held_by = db_get_text(result, row, db_column(result, "held_by"), NULL);
    event->webhook = !db_is_null(result, row, db_column(result, "webhook")) &&
                     db_get_bool(result, row, db_column(result, "webhook"));
    event->history = db_get_text(result, row, db_column(result, "history"), NULL);
    event->audience = db_get_text(result, row, db_column(result, "record_audience"), NULL);
    event->decides = db_get_uuid(result, row, db_column(result, "decides"), &event->contest) == 0;
    event->by_person = db_get_bool(result, row, db_column(result, "by_person"));
    event->links = db_get_uuid(result, row, db_column(result, "link_id"), &event->link) == 0;
    event->merged = db_get_uuid(result, row, db_column(result, "merged_into"), &event->merged_into) == 0 &&
                    db_get_uuid(result, row, db_column(result, "merging"), &event->merging) == 0;
    event->under_link = db_get_uuid(result, row, db_column(result, "under"), &event->under) == 0;
    event->handed = db_get_text(result, row, db_column(result, "handed"), NULL);
    event->repairs = db_get_text(result, row, db_column(result, "repairs"), NULL);
    event->rested = !db_is_null(result, row, db_column(result, "record_rested")) &&
                    db_get_bool(result, row, db_column(result, "record_rested"));
    event->braked = db_get_bool(result, row, db_column(result, "braked"));
    event->released = db_get_bool(result, row, db_column(result, "released"));
    data = db_get_bytes(result, row, db_column(result, "data"), &event->data_len);
    if (data && event->data_len > 1 && data[0] == BODY_PLAIN) {
        event->data = data + 1;
        event->data_len--;
    }
    if (msg_event_type(event->type_name, &event->type) != 0)
        bug("event type %s in the tables is none of ours", event->type_name);
}

static struct json *body_json(const void *bytes, size_t len)
{
    const char *text = bytes;
    bool ok = false;
    struct json *json = NULL;

    if (len > 1 && text[0] == BODY_PLAIN)
        json = json_parse(text + 1, len - 1, JSON_DEPTH_MAX, NULL, &ok);
    return ok ? json : NULL;
}

static struct json *column_json(const struct db_result *result, size_t row, const char *name)
{
    size_t len;
    const void *bytes = db_get_bytes(result, row, db_column(result, name), &len);
    struct json *json = bytes ? body_json(bytes, len) : NULL;

    return json ? json : json_new_object();
}

void event_row_record(const struct db_result *result, size_t row, struct record *record)
{
    const char *vector;
    size_t len;
    bool ok;

    record->exists = true;
    record->version = db_get_int(result, row, db_column(result, "record_version"));
    record->deleted = db_get_bool(result, row, db_column(result, "record_deleted"));
    vector = db_get_text(result, row, db_column(result, "record_vector"), &len);
    record->vector = json_parse(vector, len, JSON_DEPTH_MAX, NULL, &ok);
    record->data = column_json(result, row, "record_data");
    record->notes = column_json(result, row, "record_notes");
}
