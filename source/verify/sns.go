package verify

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sever/source"
)

const (
	// snsAhead is how far a message's time may be ahead of ours.
	snsAhead        = 5 * time.Minute
	maxSNSMessageID = 256
)

var (
	errSNSTopic  = errors.New("the message is of a topic that is not listed")
	errSNSTime   = errors.New("the message is too old, or from the future")
	errSNSHeader = errors.New("the header x-amz-sns-message-type is not the message's Type")
)

// snsVerifier accepts messages that Amazon SNS signed, of the listed topics only: anyone
// can have a topic. With raw message delivery nothing is signed, and nothing is accepted.
type snsVerifier struct {
	topics       []string
	maxAge       time.Duration // 0 for no check
	key          *rsa.PublicKey
	certificates *snsCertificates // if there is no key
}

func newSNS(config Config, deps Deps) (source.Verifier, error) { //nolint:ireturn // as New
	v := &snsVerifier{topics: config.SNS.Topics, maxAge: config.SNS.MaxAge}
	if !config.SNS.Certificate.IsSet() {
		if deps.HTTP == nil {
			return nil, errors.New("verify.sns: no HTTP client is given")
		}
		v.certificates = newSNSCertificates(deps.HTTP)
		return v, nil
	}
	// A certificate of the settings is pinned: neither its dates nor its name are checked.
	certificate, err := parseCertificate([]byte(config.SNS.Certificate.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("verify.sns.certificate: %w", err)
	}
	if v.key, err = snsKey(certificate); err != nil {
		return nil, errors.New("verify.sns.certificate: its key is not RSA of at least 2048 bits")
	}
	return v, nil
}

// Early lets all pass but several types at once: what else there is stands in the body.
func (v *snsVerifier) Early(req source.Request) error {
	if len(req.Header["X-Amz-Sns-Message-Type"]) > 1 {
		return errSNSHeader
	}
	return nil
}

func (v *snsVerifier) Verify(ctx context.Context, req source.Request) (source.Verified, error) {
	message, err := parseSNS(req.Body)
	if err != nil {
		return source.Verified{}, err
	}
	if err := message.checkForm(); err != nil {
		return source.Verified{}, err
	}
	if err := v.checkTold(message, req); err != nil {
		return source.Verified{}, err
	}
	at, err := message.sentAt()
	if err != nil {
		return source.Verified{}, err
	}
	// Checked with a key at hand too: a message that names another place is not genuine.
	url, err := snsCertURL(message["SigningCertURL"])
	if err != nil {
		return source.Verified{}, err
	}
	key := v.key
	if key == nil {
		if key, err = v.certificates.key(ctx, url.String(), req.Now); err != nil {
			return source.Verified{}, err
		}
	}
	if err := message.checkSignature(key); err != nil {
		return source.Verified{}, err
	}
	verified := source.Verified{ID: message["MessageId"]}
	if v.maxAge > 0 && (req.Now.Sub(at) > v.maxAge || at.Sub(req.Now) > snsAhead) {
		return source.Verified{}, &source.StaleError{Verified: verified, Cause: errSNSTime}
	}
	return verified, nil
}

// checkTold checks what needs no key, so that a stranger makes us fetch nothing.
func (v *snsVerifier) checkTold(message snsMessage, req source.Request) error {
	if types := req.Header["X-Amz-Sns-Message-Type"]; len(types) > 1 || len(types) == 1 && types[0] != message["Type"] {
		return errSNSHeader
	}
	if !slices.Contains(v.topics, message["TopicArn"]) {
		return errSNSTopic
	}
	return nil
}

func (c Config) checkSNS() []source.Problem {
	if c.SNS == nil || len(c.SNS.Topics) == 0 {
		return []source.Problem{{
			Field:   "sns.topics",
			Message: "missing: anyone can make a topic, and its messages would be signed as well",
			Fix:     "list the ARNs of your topics, such as arn:aws:sns:eu-west-1:123456789012:alerts",
		}}
	}
	var problems []source.Problem
	for i, topic := range c.SNS.Topics {
		if !strings.HasPrefix(topic, "arn:aws") || strings.Count(topic, ":") != 5 {
			problems = append(problems, source.Problem{
				Field: "sns.topics[" + strconv.Itoa(i) + "]", Message: "not the ARN of a topic",
				Fix: "write it as arn:aws:sns:REGION:ACCOUNT:NAME",
			})
		}
	}
	if c.SNS.MaxAge < 0 {
		problems = append(problems, source.Problem{Field: "sns.max_age", Message: "negative", Fix: "write how old a message may be, or 0s for no check"})
	}
	return problems
}

// signSNS signs the message that body holds, with SignatureVersion 2. It must have all
// that a message has but the signature.
func signSNS(key crypto.Signer, body []byte) ([]byte, error) {
	if key == nil {
		return nil, fmt.Errorf("sign: %w", ErrNoKey)
	}
	message, err := parseSNS(body)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	text, err := message.signedText()
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	sum := sha256.Sum256([]byte(text))
	signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign the message: %w", err)
	}
	given, err := members(body)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	given["SignatureVersion"] = json.RawMessage(`"2"`)
	given["Signature"] = json.RawMessage(strconv.Quote(base64.StdEncoding.EncodeToString(signature)))
	signed, err := json.Marshal(given)
	if err != nil {
		return nil, fmt.Errorf("write the message: %w", err)
	}
	return signed, nil
}
