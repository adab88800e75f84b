// Guidegen writes docs/sources.md from the presets to the file it is given. "go generate" runs it.
package main

import (
	"fmt"
	"os"
	"strings"

	"sever/source/preset"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: guidegen FILE")
		return 2
	}
	text, err := preset.Document()
	if err == nil {
		err = os.WriteFile(args[0], []byte(strings.TrimRight(text, "\n")+"\n"), 0o644) //nolint:gosec // a document for everyone to read
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
