-- Pauses of a platform that still last, whoever set them. $1 platform
SELECT route, state, (extract(epoch FROM until - now()) * 1000)::int8 AS wait_ms
FROM platform_status WHERE platform = $1 AND until > now()
