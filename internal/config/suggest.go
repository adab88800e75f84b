package config

import (
	"slices"
	"strings"
)

// maxSuggested bounds the work spent on a key that is nothing like a setting's name.
const maxSuggested = 64

// suggest names the known word nearest to text, or lists them all when none is near.
func suggest(text string, known []string) string {
	nearest, best := "", min(len(text)/3+2, len(text))
	for _, word := range known {
		if len(text) > maxSuggested {
			break
		}
		if d := distance(text, word); d < best {
			nearest, best = word, d
		}
	}
	if nearest != "" {
		return "did you mean " + nearest + "?"
	}

	return "use one of: " + strings.Join(known, ", ")
}

// distance is the Levenshtein distance in bytes: how many single-character edits turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}

	return row[len(b)]
}

// suggestSorted is suggest for words that come in no order.
func suggestSorted(text string, known []string) string {
	slices.Sort(known)

	return suggest(text, known)
}
