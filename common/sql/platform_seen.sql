-- The platform answered as it should, just now. $1 platform
INSERT INTO platform_status (platform, seen_at) VALUES ($1, now())
ON CONFLICT (platform, credential, route) DO UPDATE SET seen_at = now()
