package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// sinceFlag adds --since to a command. What it gives is the start of a query.
func sinceFlag(cmd *cobra.Command, usage string) func() (url.Values, error) {
	text := cmd.Flags().String("since", "", usage)
	return func() (url.Values, error) {
		query := url.Values{}
		if *text == "" {
			return query, nil
		}
		since, ok := parseSince(*text, time.Now())
		if !ok {
			return nil, usageError{fmt.Errorf("--since %.64q is neither how long ago, such as 7d or 36h, nor a time, such as 2026-11-23T09:00:00Z", *text)}
		}
		query.Set("since", since.UTC().Format(time.RFC3339))
		return query, nil
	}
}

// parseSince reads how long ago, in days or in Go's units, or a time.
func parseSince(text string, now time.Time) (since time.Time, ok bool) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	count, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return since, false
	}
	since = now.AddDate(0, 0, -int(count))
	if rest == "" {
		return since, found
	}
	ago, err := time.ParseDuration(rest)
	return since.Add(-ago), err == nil && ago >= 0
}
