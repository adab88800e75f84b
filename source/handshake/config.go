package handshake

import "sever/internal/secret"

// Config turns a sender's one-time check of the URL on.
type Config struct {
	Type string `yaml:"type" jsonschema:"required,enum=okta,enum=graph,enum=event_grid,enum=cloudevents,enum=sns,enum=slack,enum=zoom,enum=crc,enum=meta,enum=discord,enum=hibob,enum=gusto" doc:"Whose check it is."`
	// Secrets: zoom and crc sign their answer with the source's own first secret when none is given here.
	Secrets []secret.Secret `yaml:"secrets" doc:"zoom, crc: the secret that signs the answer (default: the first of verify.secrets). meta: the accepted verify_token."`
	Origins []string        `yaml:"origins" doc:"cloudevents: the origins that may send, such as eventgrid.azure.net; '*' for any."`
	Rate    int             `yaml:"rate" jsonschema:"minimum=0" doc:"cloudevents: deliveries a minute that are allowed; none stated by default."`
	SaveTo  string          `yaml:"save_to" doc:"gusto: the file that the verification token is written to, once, within an hour of the start; it must not exist yet. Then make it the source's secret and remove this handshake."`
}
