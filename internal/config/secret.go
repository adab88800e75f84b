package config

import (
	"strings"

	"sever/internal/secret"
)

// Secret is a value given as env:NAME or file:PATH that no output may hold.
type Secret = secret.Secret

// File is the path of a readable file, given as file:PATH.
type File = secret.File

func newSecret(value string) Secret { return secret.New(value) }

// checkHeaderSecret refuses a secret that no HTTP header can carry unchanged, so that nothing would ever match it.
func checkHeaderSecret(r *report, field string, given Secret) {
	value := given.Reveal()
	if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) || strings.TrimSpace(value) != value {
		r.add(field, "holds a control character, or a space at its start or end", "a header cannot carry it: correct the secret where it is kept")
	}
}
