package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/internal/app"
	"sever/revocation"
)

const chatPath = "/services/chat-secret-Hs5nY1"

// chat is a Slack-compatible webhook that keeps what it is told.
func newChat(t *testing.T) (url string, told <-chan string) {
	t.Helper()
	texts := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		var message struct {
			Text string `json:"text"`
		}
		if req.URL.Path == chatPath && json.Unmarshal(body, &message) == nil {
			texts <- message.Text
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + chatPath, texts
}

// withNotices is an installation that tells a chat.
func withNotices(t *testing.T, chat string) *rig {
	t.Helper()
	r := prepareRig(t, newOkta(t), settings{})
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "chat"), []byte(chat), 0o600))
	text, err := os.ReadFile(r.file)
	require.NoError(t, err)
	text = append(text, "notices: {channels: {chat: {type: slack, url: file:chat}}}\n"...)
	require.NoError(t, os.WriteFile(r.file, text, 0o600))
	r.start()
	return r
}

func TestADeadLetterIsTold(t *testing.T) {
	t.Parallel()
	chat, told := newChat(t)
	r := withNotices(t, chat)
	r.deliver(suspension("jane.doe@example.com", "one")) // no Okta id
	r.seen.await(t, step(revocation.StepDeadLetter), 1)
	text := <-told
	require.Contains(t, text, "1 dead letter")
	require.Contains(t, text, "> sever dead list")
	require.NotContains(t, text, "jane.doe")
	require.Eventually(t, func() bool { // it is counted once the answer is read
		return strings.Contains(r.admin(http.MethodGet, "/metrics", "").body, `sever_notices_total{channel="chat",result="sent"} 1`)
	}, soon, tick)
	require.NotContains(t, r.logs.String(), "chat-secret")
	r.mustStop()
}

// What the stages do last is told too: nobody waits for the two seconds of gathering.
func TestStoppingTellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	chat, told := newChat(t)
	r := withNotices(t, chat)
	r.deliver(suspension("jane.doe@example.com", "one")) // no Okta id
	r.seen.await(t, step(revocation.StepDeadLetter), 1)
	r.mustStop()
	require.Len(t, told, 1)
}

func TestAProcessThatOnlyReceivesTellsNobody(t *testing.T) {
	t.Parallel()
	require.False(t, app.Roles{Receive: true}.Tells())
	for _, roles := range []app.Roles{{Dispatch: true}, {Work: true}, app.AllRoles()} {
		require.True(t, roles.Tells())
	}
}
