package verify

import (
	"crypto"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // SignatureVersion 1, which is Amazon SNS' default
	_ "crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

var (
	errSNSForm      = errors.New("the body is not a message of Amazon SNS")
	errSNSVersion   = errors.New("the message's SignatureVersion is neither 1 nor 2")
	errSNSSignature = errors.New("the message's signature does not match")
)

// snsMessage is a message of Amazon SNS as it comes over HTTP. Its members stand under
// their names in a message; Lambda spells some with Url.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
type snsMessage map[string]string

// parseSNS reads a body, which is JSON whatever its media type says.
func parseSNS(body []byte) (snsMessage, error) {
	given, err := members(body)
	if err != nil {
		return nil, errSNSForm
	}
	message := make(snsMessage)
	for name, text := range given {
		var value *string
		if json.Unmarshal(text, &value) != nil || value == nil {
			continue // MessageAttributes is an object, and is not signed
		}
		message[name] = *value
	}
	for upper, lower := range map[string]string{
		"SigningCertURL": "SigningCertUrl", "SubscribeURL": "SubscribeUrl", "UnsubscribeURL": "UnsubscribeUrl",
	} {
		value, spelled := message[lower]
		if _, both := message[upper]; spelled && both {
			return nil, errSNSForm
		}
		if spelled {
			message[upper] = value
		}
	}
	return message, nil
}

// signedMembers are the members that the signature covers, in order; nil for a message of
// an unknown type. Subject is there only where the message has one.
func (m snsMessage) signedMembers() []string {
	switch m["Type"] {
	case "Notification":
		if _, ok := m["Subject"]; ok {
			return []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
		}
		return []string{"Message", "MessageId", "Timestamp", "TopicArn", "Type"}
	case "SubscriptionConfirmation", "UnsubscribeConfirmation":
		return []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	return nil
}

// signedText is what is signed: each name and value on a line of its own.
func (m snsMessage) signedText() (string, error) {
	names := m.signedMembers()
	if names == nil {
		return "", errSNSForm
	}
	var text strings.Builder
	for _, name := range names {
		value, ok := m[name]
		if !ok {
			return "", errSNSForm
		}
		text.WriteString(name + "\n" + value + "\n")
	}
	return text.String(), nil
}

// checkForm refuses a message that cannot be genuine, before any key is looked for.
func (m snsMessage) checkForm() error {
	if _, err := m.signedText(); err != nil {
		return err
	}
	if m["Signature"] == "" || m["MessageId"] == "" || len(m["MessageId"]) > maxSNSMessageID {
		return errSNSForm
	}
	if m["SignatureVersion"] != "1" && m["SignatureVersion"] != "2" {
		return errSNSVersion
	}
	return nil
}

// checkSignature wants SHA1withRSA for version 1 and SHA256withRSA for version 2.
func (m snsMessage) checkSignature(key *rsa.PublicKey) error {
	signature, err := base64.StdEncoding.DecodeString(m["Signature"])
	if err != nil {
		return errSNSSignature
	}
	text, err := m.signedText()
	if err != nil {
		return err
	}
	hash := crypto.SHA256
	if m["SignatureVersion"] == "1" {
		hash = crypto.SHA1
	}
	sum := hash.New()
	_, _ = sum.Write([]byte(text))
	if rsa.VerifyPKCS1v15(key, hash, sum.Sum(nil), signature) != nil {
		return errSNSSignature
	}
	return nil
}

// sentAt is the message's time, such as 2012-05-02T00:54:06.655Z.
func (m snsMessage) sentAt() (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, m["Timestamp"])
	if err != nil {
		return time.Time{}, errSNSForm
	}
	return at, nil
}
