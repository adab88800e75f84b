package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
)

// maxFileBytes is far above any real configuration and keeps a wrong path (a database, a core dump) out of memory.
const maxFileBytes = 1 << 20

// Lookup reads one environment variable; os.LookupEnv in production.
type Lookup func(name string) (value string, set bool)

// Config is a whole sever.yaml.
type Config struct {
	Listen    string            `yaml:"listen" jsonschema:"default=127.0.0.1:8080" doc:"Address that senders reach, host:port."`
	TLS       *TLS              `yaml:"tls" doc:"TLS for the senders' address. Without it, put a proxy that ends TLS in front."`
	Admin     Admin             `yaml:"admin" doc:"Health, metrics, admin API and console."`
	Store     Store             `yaml:"store" doc:"The embedded NATS JetStream. Give this or nats, not both."`
	NATS      *NATS             `yaml:"nats" doc:"An external NATS cluster in place of the embedded one."`
	Receive   Receive           `yaml:"receive" doc:"Limits on what senders may send and how long they wait."`
	Work      Work              `yaml:"work" doc:"How revocations are carried out."`
	Retention Retention         `yaml:"retention" doc:"How long each kind of record is kept."`
	Orgs      map[string]Org    `yaml:"orgs" jsonschema:"required" doc:"The Okta orgs, by a short name of your choice."`
	Sources   map[string]Source `yaml:"sources" jsonschema:"required" doc:"Who may send, by name; the name is the last part of the URL /v1/hooks/NAME."`
	Policy    Policy            `yaml:"policy" doc:"What an alert leads to, and whom it may never touch."`
	Notices   Notices           `yaml:"notices" doc:"Who is told when something needs a person."`
	SignOut   *SignOut          `yaml:"signout" doc:"A page, GET /signout on the senders' address, on which people end their own Okta sessions. Off unless given; docs/signout.md tells what Okta needs for it."`
	Log       Log               `yaml:"log" doc:"The program's own log, on standard error."`

	// Warnings do not keep Sever from starting but deserve a person's attention, sorted by line.
	Warnings []Problem `yaml:"-"`
}

// Load reads the configuration file at path and resolves its secrets through env and the file system: all of them,
// or only those that needs names.
//
// What is wrong inside the file comes back as one *ProblemsError that holds every problem. Any other error means
// that the file itself could not be read.
func Load(path string, env Lookup, needs ...Needs) (*Config, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}

	return parse(path, text, env, needs...)
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w; name the file with --config or SEVER_CONFIG", err)
	}
	defer func() { _ = file.Close() }()

	text, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("read configuration %s: %w", path, errTooBig)
	}

	return text, nil
}

var errTooBig = errors.New("larger than 1 MiB; this is hardly a sever.yaml")

func parse(path string, text []byte, env Lookup, needs ...Needs) (*Config, error) {
	var needed Needs
	for _, need := range needs {
		needed |= need
	}
	if len(needs) == 0 {
		needed = allSecrets
	}
	config := &Config{}
	applyDefaults(reflect.ValueOf(config).Elem())

	found := newReport()
	if root := readDocument(text, found); root != nil {
		d := decoder{report: found, refs: references{env: env, dir: filepath.Dir(path), needed: needed}}
		d.value(root, reflect.ValueOf(config).Elem(), "", rules{})
		config.check(found, needed)
	}
	if len(found.problems) > 0 {
		return nil, found.err(path)
	}

	sortProblems(found.warnings)
	config.Warnings = found.warnings

	return config, nil
}

// check looks at what the tags cannot state: formats, and settings that depend on one another.
func (c *Config) check(r *report, needed Needs) {
	c.checkListeners(r)
	if needed.includes("tls") {
		c.TLS.check(r)
	}
	c.checkQueue(r)
	c.Receive.check(r)
	c.checkTimes(r)
	for name, org := range c.Orgs {
		org.check(r, join("orgs", name))
	}
	for name, source := range c.Sources {
		source.check(r, join("sources", name), c.Orgs)
	}
	c.checkHookNames(r)
	c.Policy.check(r)
	c.checkScopes(r)
	c.checkRules(r)
	c.Notices.check(r)
	c.checkSignOut(r)
}
