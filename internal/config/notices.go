package config

import (
	"time"

	"github.com/invopop/jsonschema"

	"sever/internal/notice"
)

// Notices tell people what needs them. Without channels nobody is told.
type Notices struct {
	Every    time.Duration             `yaml:"every" jsonschema:"default=5m,minimum=10s,maximum=24h" doc:"Least time between two notices of one kind about one org; what happens in between is counted in the next."`
	Channels map[string]notice.Channel `yaml:"channels" doc:"Where notices go, by names of your choice."`
}

func (n *Notices) check(r *report) {
	for name, channel := range n.Channels {
		at := join("notices.channels", name)
		if !r.sound(at + ".type") {
			continue // nothing else can be judged
		}
		for _, problem := range channel.Check() {
			if field := join(at, problem.Field); r.sound(at, field) {
				r.add(field, problem.Message, problem.Fix)
			}
		}
	}
}

// describeChannels adds what the tags cannot say: channels have names, and kinds are known.
func describeChannels(root *jsonschema.Schema) {
	notices, _ := root.Properties.Get("notices")
	channels, _ := notices.Properties.Get("channels")
	channels.PropertyNames = &jsonschema.Schema{Pattern: namePattern}
	channels.MinProperties = new(uint64(1))
	on, _ := channels.AdditionalProperties.Properties.Get("on")
	for _, kind := range notice.Kinds() {
		on.Items.Enum = append(on.Items.Enum, string(kind))
	}
}
