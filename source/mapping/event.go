package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sever/revocation"
)

// ignoredKind is the word for types that mean nothing.
const ignoredKind = "ignore"

// settings are a Config that was found to be good, ready for use.
type settings struct {
	form       string
	field      string
	unwraps    []unwrapping
	each       *value
	kindText   *value // the sender's word for the type
	kindValue  *value // an expression; else kindWord
	kindWord   string
	kinds      map[string]string
	severities map[string]revocation.Severity // by the sender's word in lower case
	severityAt *value
	timeAt     *value
	idAt       *value
	person     persons
	effective  *effective
	zone       *time.Location // of times without one
	ignore     []ignoreRule
	repeat     time.Duration
}

type ignoreRule struct {
	name   string // the setting's name, for reasons
	when   *expression
	reason string
}

// ignored gives the reason of the first rule that matches.
func (set *settings) ignored(s *scope) (reason string, err error) {
	for _, rule := range set.ignore {
		value, found, err := rule.when.eval(s)
		if err != nil {
			return "", fmt.Errorf("%s: %w", rule.name, err)
		}
		matches, isBool := value.(bool)
		if found && !isBool {
			return "", fmt.Errorf("%s: %w", rule.name, evalError("its expression gives neither true nor false"))
		}
		if matches {
			return rule.reason, nil
		}
	}
	return "", nil
}

// kind gives what the event means; "" if nothing.
func (set *settings) kind(s *scope) (revocation.Kind, error) {
	word, known := set.kinds[s.kind]
	if !known {
		word = set.kindWord
	}
	if !known && set.kindValue != nil {
		text, _, err := set.kindValue.text(s)
		if err != nil {
			return "", fmt.Errorf("kind: %w", err)
		}
		if word = text; word != "" && !isKindWord(word) {
			return "", fmt.Errorf("kind: %w", evalError("its expression gives a word that is no kind"))
		}
	}
	if word == ignoredKind {
		return "", nil
	}
	return revocation.Kind(word), nil
}

func isKindWord(word string) bool {
	return word == ignoredKind || slices.Contains(revocation.Kinds(), revocation.Kind(word))
}

// severity gives "" for a word that nobody explained: how bad it is, is then not known.
func (set *settings) severity(s *scope) (revocation.Severity, error) {
	text, _, err := set.severityAt.text(s)
	if err != nil {
		return "", fmt.Errorf("severity: %w", err)
	}
	return set.severities[strings.ToLower(text)], nil
}

// eventID gives the sender's id; "" where there is none. A word for nothing, or a template
// left unfilled, is the same for every event and so is none.
func (set *settings) eventID(s *scope) (string, error) {
	text, _, err := set.idAt.text(s)
	if err != nil {
		return "", fmt.Errorf("id: %w", err)
	}
	if isPersonless(text) || isTemplate(text) {
		return "", nil
	}
	return text, nil
}

// occurred gives the zero time where it is not said readably.
func (set *settings) occurred(s *scope) (time.Time, error) {
	text, _, err := set.timeAt.text(s)
	if errors.Is(err, errTooCostly) {
		return time.Time{}, err
	}
	return parseTime(text, set.zone), nil
}

// unreadableDate is why a termination is not acted on. Without its date it would act too
// early, and must not be forgotten either.
const unreadableDate = "its effective date cannot be read"

// due gives when a termination takes effect; zero, which is now, without a date.
func (set *settings) due(s *scope) (at time.Time, problem string, err error) {
	if set.effective == nil || set.effective.immediately {
		return time.Time{}, "", nil
	}
	text, known, err := set.effective.at.text(s)
	switch {
	case err != nil:
		return time.Time{}, "", fmt.Errorf("effective.at: %w", err)
	case known == absent:
		return time.Time{}, "", nil
	case known == unclear:
		return time.Time{}, unreadableDate, nil
	}
	if at, err = set.effective.due(text); err != nil {
		return time.Time{}, unreadableDate, nil //nolint:nilerr // the problem says it without the text
	}
	return at, "", nil
}

// signalID is the same for the same event however often it is sent, because a resend must
// not become a second job; and another for a second event, because the ledger remembers
// the first for 90 days and would swallow it.
//
//   - The sender's id of the event says which is which, wherever it is sent.
//   - The sender's id of the delivery does so with the event's place in it: a resend has
//     the same bytes.
//   - Else only the bytes are known. They can be the same for a second alert next week, so
//     they count as the same event only within the same stretch of repeat. Two resends on
//     both sides of a stretch's end become two jobs: the second is covered by the first, or
//     costs one call; a lost alert would cost more.
func (d *decoding) signalID(id, kind string, person revocation.Person) string {
	index := strconv.Itoa(d.items)
	var key []string
	switch {
	case id != "":
		key = []string{"event", id}
	case d.delivery.SenderID != "":
		key = []string{"delivery", d.delivery.SenderID, index}
	default:
		stretch := d.delivery.Received.UnixNano()
		if d.repeat > 0 {
			stretch /= int64(d.repeat)
		}
		key = []string{"bytes", d.delivery.ID, index, strconv.FormatInt(stretch, 10)}
	}
	whom := []string{string(person.Kind), person.Attribute, person.Value}
	if person.IsZero() {
		whom = []string{index}
	}
	return revocation.DeriveID("sig", slices.Concat([]string{d.org, d.source}, key, []string{kind}, whom)...)
}
