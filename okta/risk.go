package okta

import "strings"

// RiskLevel is LOW, MEDIUM, HIGH or "" when the event carries no level or not one clear level. securityContext.risk decides
// when it is there; else it is read from debugData.risk, a Java map in text form such as "{reasons=Anomalous Device,
// level=MEDIUM}".
//
// That text form is ambiguous: nothing in it is escaped, so a reason such as "foo, level=HIGH" looks like a key. Where the
// level key stands more than once, or brackets do not pair up, nobody can tell which is meant and the answer is "".
func (e LogEvent) RiskLevel() string {
	if level := e.SecurityContext.Risk.Level; level != "" {
		return knownLevel(level)
	}
	return mapLevel(e.DebugContext.DebugData["risk"])
}

func knownLevel(s string) string {
	switch level := strings.ToUpper(strings.TrimSpace(s)); level {
	case "LOW", "MEDIUM", "HIGH":
		return level
	}
	return ""
}

func mapLevel(javaMap string) string {
	s := strings.TrimSpace(javaMap)
	if len(s) < 2 || s[0] != '{' || s[len(s)-1] != '}' {
		return ""
	}
	var levels []string
	for _, entry := range topLevelEntries(s[1 : len(s)-1]) {
		key, value, found := strings.Cut(entry, "=")
		if found && strings.EqualFold(strings.TrimSpace(key), "level") {
			levels = append(levels, value)
		}
	}
	if len(levels) != 1 {
		return ""
	}
	return knownLevel(levels[0])
}

// topLevelEntries splits at every ", " outside inner brackets. Text with a comma in it comes out in pieces, which is
// harmless: a piece without "level=" at its start counts for nothing. Brackets that do not pair up give no entries.
func topLevelEntries(s string) []string {
	var entries []string
	depth, start := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 0 && strings.HasPrefix(s[i:], ", ") {
				entries = append(entries, s[start:i])
				start = i + 1
			}
		}
		if depth < 0 {
			return nil
		}
	}
	if depth != 0 {
		return nil
	}
	return append(entries, s[start:])
}
