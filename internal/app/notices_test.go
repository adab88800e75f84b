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
	"time"

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

func hear(t *testing.T, told <-chan string) string {
	t.Helper()
	select {
	case text := <-told:
		return text
	case <-time.After(soon):
		require.FailNow(t, "nobody was told")
		return ""
	}
}

// withNotices is an installation that tells a chat.
func withNotices(t *testing.T, chat string, with settings) *rig {
	t.Helper()
	r := prepareRig(t, newOkta(t), with)
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
	r := withNotices(t, chat, settings{})
	r.deliver(suspension("jane.doe@example.com", "one")) // no Okta id
	r.seen.await(t, step(revocation.StepDeadLetter), 1)
	text := hear(t, told)
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
	r := withNotices(t, chat, settings{})
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

// Whoever reads the notice decides by its link. The notice may have been lost with its process:
// after a start it comes once more.
func TestANoticeLeadsToTheDecision(t *testing.T) {
	t.Parallel()
	chat, told := newChat(t)
	r := withNotices(t, chat, settings{policy: "{mode: approve}"})
	r.deliver(suspension(person(1), "a"))
	r.held(1)
	require.Contains(t, hear(t, told), "approve: https://sever.corp.example/approve/")

	r.restart()
	text := hear(t, told)
	require.Contains(t, text, "1 job")
	_, link, found := strings.Cut(text, "approve: https://sever.corp.example")
	require.True(t, found, text)
	link, _, _ = strings.Cut(link, "\n")
	page, err := r.do(http.MethodGet, r.app.AdminURL()+link, nil, nil)
	require.NoError(t, err)
	require.Contains(t, page.body, "Approve this hold?")
	require.Empty(t, r.calls())
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	given, err := r.do(http.MethodPost, r.app.AdminURL()+link, form, []byte("by=ada&reason=real"))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, given.status, given.body)
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Len(t, r.calls(), 1)

	r.restart()
	r.mustStop()
	require.Empty(t, told, "nothing waits any more")
}
