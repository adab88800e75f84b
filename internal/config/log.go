package config

// Log is the program's own log; the audit is something else and is always kept.
type Log struct {
	Level  string `yaml:"level" jsonschema:"default=info,enum=debug,enum=info,enum=warn,enum=error" doc:"Least severe entry that is written: debug, info, warn or error."`
	Format string `yaml:"format" jsonschema:"default=auto,enum=auto,enum=text,enum=json" doc:"text, json, or auto: text on a terminal and JSON otherwise."`
}
