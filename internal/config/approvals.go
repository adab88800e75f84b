package config

import "time"

// Approvals says what is asked for before a held job goes.
type Approvals struct {
	Expire   time.Duration `yaml:"expire" jsonschema:"default=24h,minimum=0s,maximum=90d" doc:"How long operators have to decide about a job that is held for approval, by the brake, or for a protected person. 0s for as long as it takes."`
	OnExpiry string        `yaml:"on_expiry" jsonschema:"default=reject,enum=reject,enum=release" doc:"reject: nothing is done, and the job becomes a dead letter, which can be redriven. release: the job goes on, still subject to the brake; one that is held for a protected person never does."`
	People   int           `yaml:"people" jsonschema:"default=1,minimum=1,maximum=2" doc:"How many people must approve. With 2, the second must give another name than the first; Sever knows names only as they are given."`
}
