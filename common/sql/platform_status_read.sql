-- A platform's breaker (route '') and its paused routes, whoever set them; wait_ms is negative when the time has passed and nobody
-- has said since that all is well. $1 platform
SELECT route, state, (extract(epoch FROM until - now()) * 1000)::int8 AS wait_ms
FROM platform_status WHERE platform = $1 AND state <> 'closed' AND until IS NOT NULL
