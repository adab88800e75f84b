package handlers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/source"
)

func TestNewReceiverRefuses(t *testing.T) {
	t.Parallel()
	good := source.Source{Name: "okta", Verifier: headerVerifier{}, Accepted: 204}
	tests := map[string]struct {
		log     handlers.DeliveryLog
		sources []source.Source
		config  handlers.ReceiveConfig
		text    string
	}{
		"no log":         {log: nil, text: "there is no delivery log"},
		"no name":        {log: &memoryLog{}, sources: []source.Source{{Verifier: headerVerifier{}, Accepted: 204}}, text: "a source has no name"},
		"twice":          {log: &memoryLog{}, sources: []source.Source{good, good}, text: `source "okta" is there twice`},
		"no verifier":    {log: &memoryLog{}, sources: []source.Source{{Name: "okta", Accepted: 204}}, text: `source "okta" has no verifier`},
		"no status":      {log: &memoryLog{}, sources: []source.Source{{Name: "okta", Verifier: headerVerifier{}}}, text: "must be a 2xx"},
		"other status":   {log: &memoryLog{}, sources: []source.Source{{Name: "okta", Verifier: headerVerifier{}, Accepted: 300}}, text: "must be a 2xx"},
		"body":           {log: &memoryLog{}, config: handlers.ReceiveConfig{MaxBody: -1}, text: "the largest body is -1 bytes"},
		"timeout":        {log: &memoryLog{}, config: handlers.ReceiveConfig{Timeout: -1}, text: "within the timeout"},
		"append timeout": {log: &memoryLog{}, config: handlers.ReceiveConfig{AppendTimeout: -1}, text: "within the timeout"},
		"append longer than the whole": {
			log:    &memoryLog{},
			config: handlers.ReceiveConfig{Timeout: time.Second, AppendTimeout: 2 * time.Second}, text: "within the timeout",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := handlers.NewReceiver(test.log, test.sources, test.config)
			require.ErrorContains(t, err, test.text)
		})
	}
}

func TestNewReceiverNeedsNoConfig(t *testing.T) {
	t.Parallel()
	log := &memoryLog{}
	handler, err := handlers.NewReceiver(log, sources(), handlers.ReceiveConfig{})
	require.NoError(t, err)
	require.Equal(t, 204, serve(handler, delivery(oktaHook, jsonBody)).StatusCode)
	require.Equal(t, 500, serve(handler, delivery(oktaHook, jsonBody, with("Authorization", "panic"))).StatusCode)
}
