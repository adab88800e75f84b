package config

import (
	"slices"

	"sever/internal/nearest"
)

// suggest names the known word nearest to text, or lists them all when none is near.
func suggest(text string, known []string) string { return nearest.Suggest(text, known) }

// suggestSorted is suggest for words that come in no order.
func suggestSorted(text string, known []string) string {
	slices.Sort(known)

	return suggest(text, known)
}
