-- What each replica has put right on the belt since it started, by kind: shown by /health beside its stage.

ALTER TABLE replicas ADD COLUMN repairs jsonb NOT NULL DEFAULT '{}';
