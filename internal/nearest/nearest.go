// Package nearest tells people which word they may have meant.
package nearest

import (
	"slices"
	"strings"
)

// maxText bounds the work spent on a text that is nothing like any of the words.
const maxText = 64

// Suggest names the word nearest to text, or lists them all when none is near.
func Suggest(text string, words []string) string {
	words = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return word == "" })
	nearest, best := "", min(len(text)/3+2, len(text))
	for _, word := range words {
		if len(text) > maxText {
			break
		}
		if d := Distance(text, word); d < best {
			nearest, best = word, d
		}
	}
	if nearest != "" {
		return "did you mean " + nearest + "?"
	}
	return "use one of: " + strings.Join(words, ", ")
}

// Distance is the Levenshtein distance in bytes: how many single-byte edits turn a into b.
func Distance(a, b string) int {
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
