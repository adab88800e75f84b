package app_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain turns the test binary into Sever itself where a crash test asks for it.
func TestMain(m *testing.M) {
	if file := os.Getenv(childConfig); file != "" {
		os.Exit(child(file))
	}
	flag.Parse()
	// These tests wait for retries and leases far more than they compute: on two cores,
	// the default of two at a time would make minutes of them.
	if err := flag.Set("test.parallel", "12"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
