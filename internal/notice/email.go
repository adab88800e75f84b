package notice

import (
	"context"
	"crypto/tls"
	"fmt"

	"github.com/wneessen/go-mail"
)

// email sends by SMTP, with one connection for each notice.
type email struct {
	channel Channel
	tls     *tls.Config // nil outside of tests
}

func (e email) send(ctx context.Context, n Notice, text string) error {
	msg := mail.NewMsg()
	if err := msg.From(e.channel.From); err != nil {
		return &sendError{err: fmt.Errorf("from: %w", err), permanent: true}
	}
	if err := msg.To(e.channel.To...); err != nil {
		return &sendError{err: fmt.Errorf("to: %w", err), permanent: true}
	}
	msg.Subject(n.Title)
	msg.SetDate()
	msg.SetMessageIDWithValue(n.ID + "@sever")           // the same on every try, so that a mail program shows it once
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers, please
	msg.SetBodyString(mail.TypeTextPlain, text+"\n")

	client, err := mail.NewClient(e.channel.Host, e.options()...)
	if err != nil {
		return &sendError{err: fmt.Errorf("prepare the mail: %w", err), permanent: true}
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return &sendError{err: fmt.Errorf("send the mail: %w", err)}
	}
	return nil
}

func (e email) options() []mail.Option {
	options := []mail.Option{mail.WithTimeout(attemptTimeout)}
	switch e.channel.Security {
	case "tls":
		options = append(options, mail.WithSSL(), mail.WithPort(e.port(mail.DefaultPortSSL)))
	case securityNo:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS), mail.WithPort(e.port(mail.DefaultPort)))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithPort(e.port(mail.DefaultPortTLS)))
	}
	if e.channel.User != "" {
		options = append(options, mail.WithUsername(e.channel.User), mail.WithPassword(e.channel.Password.Reveal()), e.auth())
	}
	if e.tls != nil {
		options = append(options, mail.WithTLSConfig(e.tls))
	}
	return options
}

// auth takes the strongest that the server offers. Without encryption, which is for a
// loopback host only, the password may go as it is.
func (e email) auth() mail.Option {
	if e.channel.Security == securityNo {
		return mail.WithSMTPAuth(mail.SMTPAuthPlainNoEnc)
	}
	return mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover)
}

func (e email) port(byDefault int) int {
	if e.channel.Port != 0 {
		return e.channel.Port
	}
	return byDefault
}
