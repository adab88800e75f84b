package config

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"

	"sever/source"
	"sever/source/handshake"
	"sever/source/mapping"
	"sever/source/preset"
	"sever/source/ssf"
	"sever/source/verify"
)

// Source is one configured sender. What its type's preset says is laid under what the file says.
type Source struct {
	Type       string             `yaml:"type" jsonschema:"required" doc:"Who sends: the name of a preset, such as okta_event_hook; sever sources list shows all. The generic ones are hmac, basic, bearer, standard_webhooks and cloudevents."`
	Org        string             `yaml:"org" jsonschema:"required" doc:"The org, from orgs, in which the people it names are revoked."`
	Verify     verify.Config      `yaml:"verify" doc:"How its deliveries are authenticated. There is no source without this."`
	Also       []verify.Config    `yaml:"also" doc:"Further proofs beside verify, such as an ip list. Every one of them must agree."`
	Handshakes []handshake.Config `yaml:"handshakes" doc:"One-time checks of the URL that the sender makes. None of them can lead to a revocation."`
	Map        mapping.Config     `yaml:"map" doc:"What of the body says who, what and when."`
	Answer     int                `yaml:"answer" jsonschema:"default=202,minimum=200,maximum=204" doc:"The status that tells the sender its delivery is safe. 202 unless the preset knows that it wants another."`
	SSF        *ssf.Config        `yaml:"ssf" doc:"type ssf: the Shared Signals transmitter."`
	Hook       *Hook              `yaml:"hook" doc:"type okta_event_hook: the event hook at Okta as code, for sever hooks and sever doctor. Without it, keep the hook by hand."`
}

// presets are read once: they are part of the program.
var presets = sync.OnceValue(func() map[string]preset.Preset { //nolint:gochecknoglobals // a constant that is computed
	all, err := preset.All()
	if err != nil {
		panic("config: " + err.Error()) // a test of package preset reads every one
	}

	return all
})

// Preset is what the source's type stands for.
func (s Source) Preset() preset.Preset { return presets()[s.Type] }

// underlay gives what is laid under a source's settings; nil where its type is unknown.
func (Source) underlay(written *yaml.Node) *yaml.Node {
	if written.Kind != yaml.MappingNode {
		return nil
	}
	kind := valueOf(written, "type")
	if kind == nil {
		return nil
	}
	known, ok := presets()[kind.Value]
	if !ok || known.Source.Kind != yaml.MappingNode {
		return nil
	}

	return withoutReplaced(&known.Source, written, "")
}

// Proofs are all that a delivery must bring. A transmitter may be told to send a header with each push, which the
// verifier of its tokens checks as well.
func (s Source) Proofs() []verify.Config {
	first := s.Verify
	if s.SSF != nil && s.SSF.Authorization.IsSet() {
		first.Secrets = append(slices.Clone(first.Secrets), s.SSF.Authorization)
	}

	return append([]verify.Config{first}, s.Also...)
}

func (s Source) check(r *report, at string, orgs map[string]Org) {
	checkOrgName(r, at+".org", s.Org, orgs)
	if _, known := presets()[s.Type]; !known {
		if r.sound(at + ".type") {
			r.add(at+".type", quote(s.Type)+" is not known", suggest(s.Type, preset.Names()))
		}

		return // without its preset, every other setting would look wrong
	}
	s.checkVerify(r, at)
	for i, config := range s.Handshakes {
		addAll(r, element(at+".handshakes", i), config.Check())
	}
	s.checkShape(r, at)
	s.Hook.check(r, at+".hook", strings.TrimPrefix(at, "sources."))
}

// checkVerify makes sure that somebody vouches for every delivery.
func (s Source) checkVerify(r *report, at string) {
	proven, inBody := s.Verify.ProvesSender(), s.Verify.Field != ""
	addAll(r, at+".verify", s.Verify.Check())
	for i, config := range s.Also {
		proven = proven || config.ProvesSender()
		addAll(r, element(at+".also", i), config.Check())
		if config.Field != "" && inBody {
			r.add(element(at+".also", i)+".field", "only one secret can stand in the body", "remove one of the two")
		}
	}
	if !proven && !s.Verify.Insecure && r.sound(at+".verify", at+".verify.type") {
		r.add(at+".verify", "nothing here proves who sends", "use another type, or set insecure: true on a test system")
	}
	if s.Verify.Insecure && r.sound(at+".verify") {
		r.warn(at+".verify.insecure", "anyone who can reach this source can end anyone's sessions", "remove it, unless this is a test system")
	}
}

// checkShape looks at what belongs to one kind of decoder only.
func (s Source) checkShape(r *report, at string) {
	switch decoder := s.Preset().Decoder; {
	case decoder == preset.DecoderMapping:
		addAll(r, at+".map", s.Map.Check())
	case r.written(at + ".map"):
		r.add(at+".map", "type "+s.Type+" settles what its body means", "remove it")
	}
	switch {
	case s.Hook == nil:
	case s.Type != "okta_event_hook":
		r.add(at+".hook", "only type okta_event_hook has an event hook at Okta", "remove it")
	case s.Verify.Type != "header" && r.sound(at+".verify.type"):
		r.add(at+".hook", "Okta can send nothing but a secret in a header", "use verify.type header, or remove it")
	}
	switch {
	case s.SSF == nil:
	case s.Type != "ssf":
		r.add(at+".ssf", "only type ssf has a Shared Signals transmitter", "remove it")
	default:
		addAll(r, at+".ssf", s.SSF.Check())
	}
}

// addAll reports what a section found wrong with itself, except for what the decoder has reported already.
func addAll(r *report, at string, problems []source.Problem) {
	for _, problem := range problems {
		field := at
		if problem.Field != "" {
			field = join(at, problem.Field)
		}
		if r.sound(field) {
			r.add(field, problem.Message, problem.Fix)
		}
	}
}

// layered is a section under which something else is laid before it is decoded.
type layered interface {
	underlay(written *yaml.Node) *yaml.Node
}

// layUnder decodes what lies under a section. It is part of the program, so that a mistake in it is one of ours.
func (d *decoder) layUnder(written *yaml.Node, section reflect.Value, at string) {
	over, ok := reflect.TypeAssert[layered](section)
	if !ok {
		return
	}
	under := over.underlay(written)
	if under == nil {
		return
	}
	below := decoder{report: newReport(), refs: d.refs}
	below.section(under, section, at, true)
	if len(below.problems) > 0 {
		panic("config: a preset does not load: " + below.problems[0].String()) // TestPresetsLoad finds it first
	}
	for field := range below.lines {
		d.laid[field] = true
	}
}
