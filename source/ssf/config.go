package ssf

import (
	"time"

	"sever/internal/secret"
)

// Config is a Shared Signals transmitter as this receiver knows it.
type Config struct {
	Transmitter   string        `yaml:"transmitter" doc:"The transmitter's issuer URL; its /.well-known/ssf-configuration tells the rest. For sever ssf stream."`
	Token         secret.Secret `yaml:"token" doc:"Bearer token for the transmitter's stream management and polling."`
	StreamID      string        `yaml:"stream_id" doc:"The stream's id at the transmitter, once there is one, as sever ssf stream create prints it; verification events must name it."`
	Endpoint      string        `yaml:"endpoint" doc:"Where the transmitter reaches this source, for sever ssf stream create: https://HOST/v1/hooks/NAME. Leave it out to fetch events, see poll."`
	Authorization secret.Secret `yaml:"authorization" doc:"The Authorization header that the transmitter sends with each push; checked as well as the signature."`
	Events        []string      `yaml:"events" doc:"Event types to ask for, as URIs. Default: CAEP session-revoked and credential-change, RISC account-disabled and credential-compromise."`
	OwnIssuers    []string      `yaml:"own_issuers" doc:"Issuers whose events are echoes of our own revocations: your own Okta org's URL is always one."`
	Poll          *Poll         `yaml:"poll" doc:"Fetch events (RFC 8936) in place of being sent them."`
}

// Poll says how events are fetched.
type Poll struct {
	URL       string        `yaml:"url" jsonschema:"required" doc:"The transmitter's poll endpoint, https, as sever ssf stream create prints it."`
	MaxEvents int           `yaml:"max_events" jsonschema:"default=100,minimum=1,maximum=1000" doc:"Most events of one answer."`
	Wait      time.Duration `yaml:"wait" jsonschema:"default=5s" doc:"Pause after an empty answer. A transmitter that holds an empty answer back adds its own."`
}
