package okta

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// excerpt quotes untrusted text for people: at most limit bytes of it, everything but printable ASCII escaped.
func excerpt(s string, limit int) string {
	if len(s) <= limit {
		return fmt.Sprintf("%+q", s)
	}
	return fmt.Sprintf("%+q...", clip(s, limit))
}

// clip shortens s to at most limit bytes without cutting a rune in two.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// visibleASCII keeps the visible ASCII characters of a vendor header, at most limit of them, so that it can stand in logs
// and audit records as it is.
func visibleASCII(s string, limit int) string {
	kept := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return -1
	}, s)
	return clip(kept, limit)
}

// allVisibleASCII reports whether s holds visible ASCII only: no space, no control character, nothing beyond '~'.
func allVisibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
