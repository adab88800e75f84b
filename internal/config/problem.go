package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxProblems bounds the report for a file that is not a configuration at all.
	maxProblems = 1000
	// maxQuoted bounds how much of a person's text a message repeats, in bytes.
	maxQuoted = 200
)

// Problem is one thing to mend, or one warning.
type Problem struct {
	Line    int    // 1 is the first line; for a missing setting, the line of what it is missing from
	Field   string // such as sources.okta.verify.secrets[1]; empty for the file as a whole
	Message string // what is wrong; never holds a secret
	Fix     string // what to do about it
}

// String is the problem without its file: "12: policy.mode: what is wrong; what to do".
func (p Problem) String() string {
	if p.Field == "" {
		return fmt.Sprintf("%d: %s; %s", p.Line, p.Message, p.Fix)
	}

	return fmt.Sprintf("%d: %s: %s; %s", p.Line, p.Field, p.Message, p.Fix)
}

// ProblemsError holds all that is wrong with one configuration file.
type ProblemsError struct {
	File     string
	Problems []Problem // at least one, sorted by line
}

// Error prints one line per problem, in the form editors and terminals link to: file:line: field: message; fix.
func (e *ProblemsError) Error() string {
	lines := make([]string, 0, len(e.Problems))
	for _, p := range e.Problems {
		lines = append(lines, e.File+":"+p.String())
	}

	return strings.Join(lines, "\n")
}

// report gathers problems and remembers which settings were written, and where.
type report struct {
	lines    map[string]int
	problems []Problem
	warnings []Problem
	unsound  map[string]bool
	laid     map[string]bool // what a preset says, below what the file does
}

func newReport() *report {
	return &report{lines: map[string]int{}, unsound: map[string]bool{}, laid: map[string]bool{}}
}

// add records that the value of field is wrong, at its line or that of the nearest written setting around it.
func (r *report) add(field, message, fix string) {
	r.addAt(r.line(field), field, message, fix)
}

// addAt is add for a line that is known.
func (r *report) addAt(line int, field, message, fix string) {
	r.unsound[field] = true
	r.note(line, field, message, fix)
}

// note records a problem that leaves the value of field good for further checks, such as an unknown key beside it.
func (r *report) note(line int, field, message, fix string) {
	switch {
	case len(r.problems) < maxProblems:
		r.problems = append(r.problems, Problem{Line: line, Field: field, Message: message, Fix: fix})
	case len(r.problems) == maxProblems:
		message := fmt.Sprintf("there are more than %d problems", maxProblems)
		r.problems = append(r.problems, Problem{Line: line, Message: message, Fix: "mend these first, the rest is not listed"})
	}
}

func (r *report) warn(field, message, fix string) {
	r.warnings = append(r.warnings, Problem{Line: r.line(field), Field: field, Message: message, Fix: fix})
}

// written reports whether the file sets field itself, so that its value is not a default.
func (r *report) written(field string) bool {
	_, ok := r.lines[field]

	return ok
}

// firstWritten picks the field that a person can find in the file; when all are defaults, the first.
func (r *report) firstWritten(fields ...string) string {
	for _, field := range fields {
		if r.written(field) {
			return field
		}
	}

	return fields[0]
}

// sound reports whether all fields are still without a problem. A check that compares settings asks it first, so
// that one mistake is reported once.
func (r *report) sound(fields ...string) bool {
	return !slices.ContainsFunc(fields, func(f string) bool { return r.unsound[f] })
}

func (r *report) line(field string) int {
	for field != "" {
		if line, ok := r.lines[field]; ok {
			return line
		}
		field = field[:max(0, strings.LastIndexAny(field, ".["))]
	}

	return 1
}

func (r *report) err(file string) *ProblemsError {
	sortProblems(r.problems)

	return &ProblemsError{File: file, Problems: r.problems}
}

func sortProblems(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Field, b.Field), strings.Compare(a.Message, b.Message))
	})
}

func join(parent, key string) string {
	if parent == "" {
		return key
	}

	return parent + "." + key
}

// quote makes a person's text safe to print: escaped, and cut short.
func quote(text string) string {
	if len(text) > maxQuoted {
		return fmt.Sprintf("%q...", text[:maxQuoted])
	}

	return fmt.Sprintf("%q", text)
}
