package okta

import "strings"

// walk finds where the values of valid JSON begin and end. Of anything else it reads what it reads, but never
// beyond its end.
type walk struct {
	text jsonValue
	at   int
}

// next passes over space and gives the byte that comes then; 0 at the end.
func (w *walk) next() byte {
	for ; w.at < len(w.text); w.at++ {
		switch c := w.text[w.at]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

// each calls visit at the start of every member, from the opening bracket up to the closing one.
func (w *walk) each(closing byte, visit func() error) error {
	w.at++
	if w.next() == closing {
		return nil
	}
	for w.next() != 0 {
		if err := visit(); err != nil {
			return err
		}
		switch w.next() {
		case ',':
			w.at++
		case closing:
			return nil
		default:
			return errNoJSON
		}
	}
	return errNoJSON
}

// value passes over one value and gives it.
func (w *walk) value() jsonValue {
	w.next()
	start := w.at
	for depth := 0; w.at < len(w.text); w.at++ {
		switch w.text[w.at] {
		case '"':
			w.string()
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 {
				return w.text[start:w.at] // that of the object or array around a number or literal
			}
			depth--
		case ',', ' ', '\n', '\t', '\r', ':':
			if depth == 0 {
				return w.text[start:w.at]
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			w.at++
			break
		}
	}
	w.at = min(w.at, len(w.text))
	return w.text[start:w.at]
}

// string passes over a string, up to its closing quote.
func (w *walk) string() {
	for {
		length := strings.IndexByte(string(w.text[w.at+1:]), '"')
		if length < 0 {
			w.at = len(w.text)
			return
		}
		start := w.at + 1
		w.at = start + length
		escapes := 0
		for i := w.at - 1; i >= start && w.text[i] == '\\'; i-- {
			escapes++
		}
		if escapes%2 == 0 {
			return
		}
	}
}
