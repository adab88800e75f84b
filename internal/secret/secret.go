// Package secret holds values that must not be seen, and paths that were checked.
package secret

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret holds a value that must not be seen. Every way of printing or encoding it gives "[redacted]"; only Reveal
// gives the value. The zero Secret is one that was not configured.
type Secret struct {
	// A pointer, because fmt calls no methods on unexported fields: a struct of another package that keeps a Secret
	// in one would otherwise print its text under %+v. This way it prints an address.
	value *string
}

// New makes a secret of value.
func New(value string) Secret { return Secret{value: &value} }

// Reveal returns the secret itself, or "" if none was configured. Pass it to what needs it and nowhere else.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}

	return *s.value
}

// IsSet reports whether the configuration gives this secret.
func (s Secret) IsSet() bool { return s.value != nil }

// String redacts.
func (Secret) String() string { return redacted }

// GoString redacts under %#v.
func (Secret) GoString() string { return redacted }

// Format redacts under every other verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue redacts in log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText redacts, also for map keys and XML.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON redacts.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalYAML redacts.
func (Secret) MarshalYAML() (any, error) { return redacted, nil }

// File is the path of a regular file that could be opened at load, written as file:PATH in a configuration. The path is
// relative to the current folder or absolute, ready to open.
type File string
