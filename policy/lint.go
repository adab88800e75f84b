package policy

import (
	"fmt"
	"maps"
	"slices"

	"sever/internal/nearest"
	"sever/revocation"
)

// lint finds rules that can never decide anything. What it reports is so; it does not find
// all there is, since it understands comparisons of fields with written-out texts only.
func (c *compiler) lint(rules []Rule) {
	formulas := make([]*formula, len(rules))
	for i := range rules {
		formulas[i] = formulaOf(rules[i].compiled)
	}
	l := linter{compiler: c, rules: rules, formulas: formulas, closed: c.closedFields()}
	l.domains = l.domainsOf()
	for i := range rules {
		l.look(i)
	}
}

type linter struct {
	*compiler

	rules    []Rule
	formulas []*formula
	closed   map[string][]string
	domains  domains
}

// closedFields are the fields that have a few known values only.
func (c *compiler) closedFields() map[string][]string {
	kinds, severities := []string{""}, []string{
		"", string(revocation.SeverityCritical), string(revocation.SeverityHigh), string(revocation.SeverityMedium),
		string(revocation.SeverityLow), string(revocation.SeverityInfo),
	}
	for _, kind := range revocation.Kinds() {
		if kind != revocation.KindWithdrawal { // no rule is ever asked about one: it ends what is held
			kinds = append(kinds, string(kind))
		}
	}
	closed := map[string][]string{
		"signal.kind": kinds, "signal.severity": severities,
		"signal.person.kind": {
			"", string(revocation.PersonOktaID), string(revocation.PersonLogin), string(revocation.PersonEmail), string(revocation.PersonAttribute),
		},
	}
	if len(c.options.Sources) > 0 {
		closed["source"] = c.options.Sources
	}
	if len(c.options.Orgs) > 0 {
		closed["signal.org"] = c.options.Orgs
	}
	return closed
}

// domainsOf gathers what each field has to be tried with.
func (l *linter) domainsOf() domains {
	all := domains(maps.Clone(l.closed))
	for _, f := range l.formulas {
		f.each(func(atom *formula) {
			if atom.words == nil || l.closed[atom.variable] != nil {
				return
			}
			if all[atom.variable] == nil {
				all[atom.variable] = []string{otherText}
			}
			for _, word := range atom.words {
				if !slices.Contains(all[atom.variable], word) {
					all[atom.variable] = append(all[atom.variable], word)
				}
			}
		})
	}
	return all
}

// look judges one rule, and reports at most one thing about it.
func (l *linter) look(i int) {
	rule, f := l.rules[i], l.formulas[i]
	switch {
	case !rule.BuiltIn && l.unheardOf(i):
	case l.domains.never(f):
		l.addTo(i, "can never be true: its parts contradict each other", "correct it, or remove the rule")
	case i+1 < len(l.rules) && l.domains.never(not(f)):
		l.addTo(i, "is true of every signal, so that no rule after it is ever asked"+l.builtInsAfter(i), "narrow it, put it last, or set policy.builtin: false if that is meant")
	default:
		l.lookBefore(i)
	}
}

func (l *linter) builtInsAfter(i int) string {
	if l.rules[i+1].BuiltIn {
		return ", nor any built-in one"
	}
	return ""
}

// addTo reports on the condition of a user's rule, or of a built-in one, which is a bug.
func (l *linter) addTo(i int, message, fix string) {
	l.add(i, l.rules[i].Name, "when", message, fix)
}

// unheardOf finds a comparison with a text that the field never has.
func (l *linter) unheardOf(i int) (found bool) {
	l.formulas[i].each(func(atom *formula) {
		words := l.closed[atom.variable]
		if words == nil || found {
			return
		}
		for _, word := range atom.words {
			if atom.variable == "signal.kind" && word == string(revocation.KindWithdrawal) {
				l.addTo(i, "asks about withdrawals, which no rule decides: they end what is held and never revoke", "remove that part")
				found = true
				return
			}
			if !slices.Contains(words, word) {
				l.addTo(i, fmt.Sprintf("%s is never %.100q", atom.variable, word), nearest.Suggest(word, words))
				found = true
				return
			}
		}
	})
	return found
}

// lookBefore finds out whether the rules before one leave anything to it.
func (l *linter) lookBefore(i int) {
	rule, f := l.rules[i], l.formulas[i]
	earlier := make([]*formula, 0, i)
	for j := range i {
		if l.domains.never(and(f, not(l.formulas[j]))) {
			l.shadowed(i, j, l.domains.never(and(l.formulas[j], not(f))))
			return
		}
		earlier = append(earlier, not(l.formulas[j]))
	}
	if i > 1 && !l.domains.never(f) && l.domains.never(and(append([]*formula{f}, earlier...)...)) {
		if rule.BuiltIn {
			l.warn(l.lastOwn(), fmt.Sprintf("with the rules before it, leaves nothing to the built-in rule %s", rule.Name))
			return
		}
		l.addTo(i, "is never asked: the rules before it decide every signal that it would match", "put it before them, or remove it")
	}
}

// shadowed reports that rule j, which comes first, matches all that rule i would. To put a
// rule in the place of a built-in one is allowed, but is better said by its name.
func (l *linter) shadowed(i, j int, same bool) {
	if l.rules[i].BuiltIn {
		if !l.always(j) {
			l.warn(j, fmt.Sprintf("leaves nothing to the built-in rule %s: give it that name, if it is meant to replace it", l.rules[i].Name))
		}
		return
	}
	if l.always(j) {
		return // said once, of the one that takes everything
	}
	message := fmt.Sprintf("is never asked: rule %s before it matches every signal that it would", l.rules[j].Name)
	if same {
		message = fmt.Sprintf("is never asked: rule %s before it has the same condition", l.rules[j].Name)
	}
	l.addTo(i, message, "put it before "+l.rules[j].Name+", or remove it")
}

func (l *linter) always(i int) bool { return l.domains.never(not(l.formulas[i])) }

// lastOwn is the last of the user's rules.
func (l *linter) lastOwn() int {
	last := 0
	for i, rule := range l.rules {
		if !rule.BuiltIn {
			last = i
		}
	}
	return last
}

func (l *linter) warn(i int, message string) {
	l.problems = append(l.problems, Problem{
		Rule: i, Name: l.rules[i].Name, Field: "when", Message: message, Fix: "nothing, if that is meant", Warning: true,
	})
}
