package config

import (
	"fmt"
	"net/url"
	"os"
	"strings"
)

// Store is the embedded NATS JetStream.
type Store struct {
	Dir     string `yaml:"dir" jsonschema:"default=./data" doc:"Folder for the streams, relative to the current folder. One process at a time."`
	MaxSize Size   `yaml:"max_size" jsonschema:"default=12GiB,minimum=64MiB" doc:"Most disk space all streams together may take. When it is full, senders get 503."`
}

// NATS is an external cluster.
type NATS struct {
	URL         string `yaml:"url" jsonschema:"required" doc:"Servers of one cluster, comma separated: nats://a:4222,nats://b:4222. Schemes nats, tls, ws, wss."`
	Credentials File   `yaml:"credentials" doc:"NATS credentials, as file:PATH."`
	Replicas    int    `yaml:"replicas" jsonschema:"default=3,enum=1,enum=3,enum=5" doc:"Copies of every stream. 3 survives the loss of one server, 5 of two."`
}

// bodiesInStore is how many of the largest deliveries the store must have room for: a twelfth of it is for dead
// letters, and a few of those, each of which holds a whole delivery, must fit.
const bodiesInStore = 48

func (c *Config) checkQueue(r *report) {
	if c.Store.MaxSize < bodiesInStore*c.Receive.MaxBody && r.sound("store.max_size", "receive.max_body") {
		r.add(r.firstWritten("store.max_size", "receive.max_body"),
			fmt.Sprintf("store.max_size (%s) is below %d times receive.max_body (%s)", c.Store.MaxSize, bodiesInStore, c.Receive.MaxBody),
			"raise the first or lower the second")
	}
	if c.NATS == nil {
		return
	}
	if r.written("store") {
		r.add("nats", "nats and store are both given", "keep one: nats for an external cluster, store for the embedded one")
	}
	if r.sound("nats.url") && c.NATS.URL != "" {
		checkNATSURL(r, c.NATS.URL)
	}
	if info, err := os.Stat(string(c.NATS.Credentials)); err == nil {
		warnIfOpen(r, "nats.credentials", string(c.NATS.Credentials), info)
	}
}

// checkNATSURL never repeats the URL: it may carry a password.
func checkNATSURL(r *report, servers string) {
	const field = "nats.url"
	const example = "write nats://host:4222, several separated by commas"
	websocket := 0
	all := strings.Split(servers, ",")
	for _, server := range all {
		u, err := url.Parse(strings.TrimSpace(server))
		if err != nil || u.Hostname() == "" {
			r.add(field, "holds something that is not a URL", example)

			return
		}
		switch u.Scheme {
		case "nats", "tls":
		case "ws", "wss":
			websocket++
		default:
			r.add(field, "has a scheme other than nats, tls, ws, wss", example)

			return
		}
		if u.User != nil {
			r.add(field, "holds a user or password", "put them into a file and name it under credentials")

			return
		}
	}
	// The client refuses this, but only once it connects.
	if websocket != 0 && websocket != len(all) {
		r.add(field, "mixes WebSocket and plain servers", "use one kind")
	}
}
