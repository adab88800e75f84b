package notice

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"sever/revocation"
)

// Notice is what a template sees.
type Notice struct {
	ID    string // the same for every try and channel
	Kind  Kind
	Title string // one line that says it all
	Org   string // empty where it is not about one
	Count int    // how many events it stands for
	Since time.Time
	// Examples are the first few of the events, More how many are not among them.
	Examples []Example
	More     int
	// LeftOut is how many notices could not be sent on this channel since the last one that
	// was, LeftOutEvents how many events they stood for.
	LeftOut       int
	LeftOutEvents int
	Commands      []string // to be typed by a person who wants to know more
}

// Example is one event of a notice.
type Example struct {
	What   string // the rule, or what it is about
	Source string
	Reason string
	ID     string // of the hold, the dead letter, the job or the delivery
	Person string // empty unless the channel has people: true
	// Approve and Reject are signed links, where they are configured.
	Approve string
	Reject  string
}

const (
	maxExamples = 5
	maxReason   = 200 // bytes
)

// Links makes the signed links that approve and reject a hold.
type Links func(hold revocation.Hold) (approve, reject string)

// batch is one group of events as it is handed out.
type batch struct {
	id        string
	kind      Kind
	org       string
	count     int
	since     time.Time
	incidents []incident // the first of them
}

// newTest makes the notice of `sever notices test`.
func newTest() batch {
	return batch{id: "msg_" + rand.Text(), kind: kindTest, count: 1, since: time.Now()}
}

// view is what a channel may see of a batch.
func (b batch) view(people bool, links Links, leftOut, leftOutEvents int) Notice {
	n := Notice{
		ID: b.id, Kind: b.kind, Title: b.title(), Org: b.org, Count: b.count, Since: b.since.UTC().Truncate(time.Second),
		More: max(0, b.count-max(1, len(b.incidents))), LeftOut: leftOut, LeftOutEvents: leftOutEvents,
	}
	for i := range b.incidents {
		in := &b.incidents[i]
		n.Examples = append(n.Examples, in.example(people, links))
		if in.look != "" && !slices.Contains(n.Commands, in.look) {
			n.Commands = append(n.Commands, in.look)
		}
	}
	return n
}

func (b batch) title() string {
	name := "Sever"
	if b.org != "" {
		name += ", " + b.org
	}
	return name + ": " + b.says()
}

func (b batch) says() string {
	switch b.kind {
	case KindHeld:
		return counted(b.count, "job waits for an operator", "jobs wait for an operator")
	case KindBrake:
		return "the brake holds revocations back: too many people at once"
	case KindDeadLetter:
		return counted(b.count, "dead letter", "dead letters")
	case KindCredential:
		return "Okta does not take Sever's calls; nothing is revoked until this is mended"
	case KindRecovered:
		return "Okta takes Sever's calls again"
	case KindPolicy:
		return "a changed policy was refused; the old rules stay"
	case kindTest:
		return "this is a test; notices of this channel arrive"
	default:
		return string(b.kind)
	}
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// example leaves out what identifies people, unless the channel asks for it.
func (in *incident) example(people bool, links Links) Example {
	e := Example{What: in.what(), Source: in.source, ID: in.id}
	switch {
	case people:
		e.Reason, e.Person = printable(in.reason), printable(in.person)
		if in.typ != "" {
			e.What = printable(in.typ) + " (" + e.What + ")"
		}
	case in.raw:
		e.Reason = "it could not be read, or names nobody to act on"
	default:
		e.Reason = printable(in.masked(in.reason))
	}
	if links != nil && in.hold != nil {
		e.Approve, e.Reject = links(*in.hold)
	}
	return e
}

// what is a word of the configuration. The signal's type is the sender's, and some send a
// whole sentence with a name in it.
func (in *incident) what() string {
	switch {
	case in.rule != "":
		return "rule " + in.rule
	case in.kind == KindDeadLetter:
		return "a delivery"
	default:
		return string(in.kind)
	}
}

// What a reason may hold of a person: what was quoted from outside, an address, a domain
// login, an Okta user id.
var personal = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[^\s"<>()]+@[^\s"<>()]+|[^\s"<>()]+\\[^\s"<>()]+|\b00u[0-9A-Za-z]{17}\b`)

const hidden = "…"

func (in *incident) masked(text string) string {
	for _, value := range []string{in.typ, in.person} { // the type may hold the person
		if value != "" {
			text = replaceFold(text, value)
		}
	}
	return personal.ReplaceAllString(text, hidden)
}

// replaceFold hides value in text whatever its case.
func replaceFold(text, value string) string {
	return regexp.MustCompile(`(?i)`+regexp.QuoteMeta(value)).ReplaceAllString(text, hidden)
}

// printable is text on one line, cut short.
func printable(text string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
	return cut(text, maxReason)
}

// cut shortens text to at most limit bytes, at the start of a character.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len(hidden)], "") + hidden
}
