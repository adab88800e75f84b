package notice

import (
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
)

func mailChannel(server *mailServer, security string) Channel {
	return Channel{
		Type: typeEmail, Host: "127.0.0.1", Port: server.port, Security: security,
		From: "Sever <sever@acme.test>", To: []string{"ops@acme.test", "Sec Ops <sec@acme.test>"}, MaxPerHour: 20,
	}
}

func withLogin(channel Channel) Channel {
	channel.User, channel.Password = "sever", secret.New("hush")
	return channel
}

func sendMail(t *testing.T, channel Channel, trust *tls.Config) error {
	t.Helper()
	in, _ := incidentOf(held("hold_1"))
	b := batch{id: "msg_1", kind: KindHeld, org: "acme", count: 1, incidents: []incident{in}}
	return email{channel: channel, tls: trust}.send(t.Context(), b.view(false, nil, 0, 0), "Some text\nof two lines")
}

func TestMailGoesEncrypted(t *testing.T) {
	t.Parallel()
	config, trust := selfSigned(t)
	for name, test := range map[string]struct {
		security string
		server   *mailServer
	}{
		"starttls": {"starttls", serveMail(t, &mailServer{starttls: config, auth: "PLAIN LOGIN"}, nil)},
		"tls":      {"tls", serveMail(t, &mailServer{auth: "PLAIN"}, config)},
	} {
		require.NoError(t, sendMail(t, withLogin(mailChannel(test.server, test.security)), trust), name)
		require.Len(t, test.server.received(), 1, name)
		got := test.server.received()[0]
		require.True(t, got.encrypted, name)
		require.Equal(t, "sever hush", got.login, name)
		require.Contains(t, got.from, "FROM:<sever@acme.test>", name)
		require.Equal(t, "TO:<ops@acme.test> TO:<sec@acme.test> ", got.to, name)
		require.Contains(t, got.text, "Subject: Sever, acme: 1 job waits for an operator\r\n", name)
		require.Contains(t, got.text, "Auto-Submitted: auto-generated\r\n", name)
		require.Contains(t, got.text, "Message-ID: <msg_1@sever>\r\n", name)
		require.Contains(t, got.text, "Some text\r\nof two lines", name)
		require.NotContains(t, got.text, "hush", name)
	}
}

func TestMailWithoutEncryptionOnLoopback(t *testing.T) {
	t.Parallel()
	server := serveMail(t, &mailServer{auth: "PLAIN"}, nil)
	require.NoError(t, sendMail(t, mailChannel(server, "none"), nil))
	require.NoError(t, sendMail(t, withLogin(mailChannel(server, "none")), nil))
	require.Len(t, server.received(), 2)
	require.False(t, server.received()[0].encrypted)
	require.Empty(t, server.received()[0].login)
	require.Equal(t, "sever hush", server.received()[1].login)
}

// Mail is never sent in the clear because a server, or someone in between, hides STARTTLS.
func TestMailIsNotSentUnlessItIsSafe(t *testing.T) {
	t.Parallel()
	config, trust := selfSigned(t)
	hiding := serveMail(t, &mailServer{auth: "PLAIN"}, nil)
	stranger := serveMail(t, &mailServer{starttls: config, auth: "PLAIN"}, nil)
	for name, err := range map[string]error{
		"no STARTTLS":           sendMail(t, mailChannel(hiding, "starttls"), trust),
		"nor for a password":    sendMail(t, withLogin(mailChannel(hiding, "starttls")), trust),
		"an unknown authority":  sendMail(t, withLogin(mailChannel(stranger, "starttls")), nil),
		"plain where tls is on": sendMail(t, withLogin(mailChannel(hiding, "tls")), trust),
	} {
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "hush", name)
	}
	require.Empty(t, hiding.received())
	require.Empty(t, stranger.received())
}

func TestMailThatIsRefused(t *testing.T) {
	t.Parallel()
	server := serveMail(t, &mailServer{refuse: "550 no such user"}, nil)
	require.ErrorContains(t, sendMail(t, mailChannel(server, "none"), nil), "550")
	require.Empty(t, server.received())
}

func TestPorts(t *testing.T) {
	t.Parallel()
	require.Equal(t, 587, email{}.port(587))
	require.Equal(t, 2525, email{channel: Channel{Port: 2525}}.port(587))
}
