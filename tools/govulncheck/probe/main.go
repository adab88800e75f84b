// Command probe says whether a vulnerability database can be reached, so that "make vuln" can tell
// "nothing found" from "nobody looked". It asks for the file govulncheck itself asks for first.
//
//	probe https://vuln.go.dev
//
// Exit codes: 0 something answered at that address, 1 nothing did, 2 wrong usage. An answer of any
// status counts as reached: what is wrong with it is for govulncheck to report, as a failure.
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"
)

const (
	limit = 10 * time.Second
	tries = 2 // a lost packet is not a missing database
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: probe DATABASE-URL")
		os.Exit(2)
	}
	db, err := url.Parse(os.Args[1])
	if err != nil || (db.Scheme != "https" && db.Scheme != "http") || db.Host == "" {
		fmt.Fprintf(os.Stderr, "probe: %q is not an http or https URL\n", os.Args[1])
		os.Exit(2)
	}
	address := db.JoinPath("index", "modules.json.gz").String()
	for range tries {
		if err = head(address); err == nil {
			return
		}
	}
	fmt.Fprintln(os.Stderr, "probe:", err)
	os.Exit(1)
}

func head(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
