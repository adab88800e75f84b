package alert_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/bench/alert"
	"sever/okta"
	"sever/revocation"
	"sever/source"
)

func TestEachAlertIsAnEventOfItsOwnAboutItsPerson(t *testing.T) {
	t.Parallel()
	blank, err := alert.New("127.0.0.1:1", "secret", alert.Deactivated)
	require.NoError(t, err)
	request := blank.Clone()

	first, second := decode(t, request.Set(1, 7)), decode(t, request.Set(2, 7))
	require.NotEqual(t, first.ID, second.ID)
	require.Equal(t, revocation.Person{Kind: revocation.PersonOktaID, Value: alert.Person(7)}, first.Person)
	_, err = okta.ParseUserID(first.Person.Value)
	require.NoError(t, err)
	require.Equal(t, first.ID, decode(t, request.Set(1, 7)).ID)
}

// decode reads a request as a server and Sever's own decoder do.
func decode(t *testing.T, whole []byte) revocation.Signal {
	t.Helper()
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(whole)))
	require.NoError(t, err)
	require.Equal(t, "secret", req.Header.Get("Authorization"))
	body, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	require.InDelta(t, 2500, len(body), 150)
	delivery := revocation.NewDelivery("okta", "application/json", body, time.Now())
	decoded, err := source.NewOktaEventHook("acme").Decode(delivery)
	require.NoError(t, err)
	require.Len(t, decoded.Signals, 1)
	return decoded.Signals[0]
}
