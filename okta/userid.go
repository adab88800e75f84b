package okta

import "fmt"

// idLength is the length of every Okta id: a prefix of three for its kind, such as 00u, and 17 letters or digits.
const idLength = 20

// UserID is an Okta user id such as "00u2di94bAMSEPvAY1d6". Make one with [ParseUserID]; a converted string is checked
// again before it is used in a path.
type UserID string

// InvalidUserIDError says that a text is not an Okta user id. The text is kept as a short, escaped excerpt because it comes
// from outside and may hold anything.
type InvalidUserIDError struct {
	Excerpt string
}

func (e *InvalidUserIDError) Error() string {
	return fmt.Sprintf("okta user id %s: want 00u and 17 letters or digits", e.Excerpt)
}

// ParseUserID accepts exactly ^00u[0-9A-Za-z]{17}$ and nothing around it. The error is an [*InvalidUserIDError].
func ParseUserID(s string) (UserID, error) {
	if !validUserID(s) {
		return "", &InvalidUserIDError{Excerpt: excerpt(s, 32)}
	}
	return UserID(s), nil
}

func validUserID(s string) bool { return validID(s, "00u") }

// validID compares bytes, not runes, so that look-alike letters of other alphabets never pass.
func validID(s, prefix string) bool {
	if len(s) != idLength || s[:len(prefix)] != prefix {
		return false
	}
	for i := len(prefix); i < len(s); i++ {
		if !isASCIILetterOrDigit(s[i]) {
			return false
		}
	}
	return true
}

func isASCIILetterOrDigit(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
}
