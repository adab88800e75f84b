// Schemagen writes the JSON schema of sever.yaml to the file it is given. "go generate" runs it.
package main

import (
	"fmt"
	"os"

	"sever/internal/config"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: schemagen FILE")

		return 2
	}
	schema, err := config.Schema()
	if err == nil {
		err = os.WriteFile(args[0], schema, 0o644) //nolint:gosec // a document for everyone to read
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)

		return 1
	}

	return 0
}
