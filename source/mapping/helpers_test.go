package mapping_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/source"
	"sever/source/mapping"
)

const ada = "00u2di94bAMSEPvAY1d6"

func received() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }

func decoder(tb testing.TB, config mapping.Config) *mapping.Decoder {
	tb.Helper()
	require.Empty(tb, config.Check())
	made, err := mapping.New(config, "siem", "acme")
	require.NoError(tb, err)
	return made
}

func delivery(body string) revocation.Delivery {
	return revocation.NewDelivery("siem", "application/json", []byte(body), received())
}

func decode(tb testing.TB, config mapping.Config, body string) source.Decoded {
	tb.Helper()
	decoded, err := decoder(tb, config).Decode(delivery(body))
	require.NoError(tb, err)
	return decoded
}

// people gives the values of all persons; "" stands for a signal that names nobody.
func people(decoded source.Decoded) []string {
	var values []string
	for _, signal := range decoded.Signals {
		values = append(values, signal.Person.Value)
	}
	return values
}

func reasons(decoded source.Decoded) []string {
	var reasons []string
	for _, skipped := range decoded.Skipped {
		reasons = append(reasons, skipped.Reason)
	}
	return reasons
}

// login is a config that reads a login at the path or expression.
func login(value string) mapping.Config {
	return mapping.Config{Kind: "alert", Person: mapping.Person{Kind: "login", Value: value}}
}

// sample reads a file of the folder of public samples beside the checkout, which not
// everyone has.
func sample(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		require.NotEqual(t, parent, dir, "no go.mod above the test")
		dir = parent
	}
	body, err := os.ReadFile(filepath.Join(dir, "..", "shared", "data", "alerts", name))
	if os.IsNotExist(err) {
		t.Skipf("no shared data folder beside the checkout, or no %s in it", name)
	}
	require.NoError(t, err)
	return string(body)
}
