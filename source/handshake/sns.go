package handshake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"sever/source"
	"sever/source/verify"
)

const (
	confirmTimeout = 10 * time.Second
	maxConfirmed   = 64 << 10
)

// sns confirms subscriptions of Amazon SNS by a GET of the message's SubscribeURL. It is
// the only URL from the wire that is ever fetched: of a message whose signature was
// verified, for a topic on the list, at a host of SNS
// (https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html).
type sns struct {
	client *http.Client
	topics []string
	logger *slog.Logger
}

func newSNS(deps Deps) (*sns, error) {
	if deps.HTTP == nil || len(deps.Topics) == 0 {
		return nil, errors.New("handshake sns: it needs a source of verify.type sns with topics, and an HTTP client")
	}
	client := *deps.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Timeout = confirmTimeout
	return &sns{client: &client, topics: slices.Clone(deps.Topics), logger: deps.Logger}, nil
}

// Open is false: nothing is fetched for a message that is not signed.
func (*sns) Open() bool { return false }

func (s *sns) Answer(ctx context.Context, req source.Request) (source.Reply, bool, error) {
	if req.Method != http.MethodPost {
		return no()
	}
	members, ok := object(req.Body, "Type", "MessageId", "Token", "TopicArn", "Message", "SubscribeURL", "Timestamp",
		"SignatureVersion", "Signature", "SigningCertURL", "SigningCertUrl")
	if !ok {
		return no()
	}
	kind, _ := text(members, "Type")
	if kind != "SubscriptionConfirmation" && kind != "UnsubscribeConfirmation" {
		return no()
	}
	topic, _ := text(members, "TopicArn")
	if !slices.Contains(s.topics, topic) {
		return refused(errors.New("the topic is not on this source's list; add it to verify.sns.topics"))
	}
	if kind == "UnsubscribeConfirmation" {
		s.logger.ErrorContext(ctx, "amazon sns no longer delivers a topic: subscribe this source again unless that was meant", "topic", topic)
		return textReply(""), true, nil
	}
	return s.confirm(ctx, topic, members)
}

func (s *sns) confirm(ctx context.Context, topic string, members map[string]json.RawMessage) (source.Reply, bool, error) {
	raw, _ := text(members, "SubscribeURL")
	target, err := verify.SNSURL(raw)
	if err != nil {
		return refused(errors.New("the SubscribeURL is not one of Amazon SNS"))
	}
	if target.Query().Get("TopicArn") != topic {
		return refused(errors.New("the SubscribeURL is for another topic"))
	}
	if err := s.fetch(ctx, target); err != nil {
		s.logger.ErrorContext(ctx, "a subscription at amazon sns could not be confirmed: request the confirmation again there", "topic", topic, "error", err)
		return unavailable(), true, nil
	}
	s.logger.InfoContext(ctx, "confirmed a subscription at amazon sns", "topic", topic)
	return textReply(""), true, nil
}

// fetch does one GET. The URL holds the subscription's token, so no error repeats it.
func (s *sns) fetch(ctx context.Context, target *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return errors.New("make the request")
	}
	resp, err := s.client.Do(req)
	if err != nil {
		if withURL, ok := errors.AsType[*url.Error](err); ok {
			err = withURL.Err
		}
		return fmt.Errorf("get the SubscribeURL: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxConfirmed)); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("amazon sns answered %d", resp.StatusCode)
	}
	return nil
}
