package verify

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

var (
	snsHost     = regexp.MustCompile(`^sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)
	snsCertPath = regexp.MustCompile(`^/SimpleNotificationService-[0-9a-f]{32}\.pem$`)
)

// maxSNSURL bounds a URL in a message, in bytes: a SubscribeURL has about 500.
const maxSNSURL = 2048

var (
	errSNSCertURL = errors.New("the signing certificate's URL is not one of Amazon SNS")
	errSNSURL     = errors.New("the URL is not one of Amazon SNS to confirm a subscription")
)

// SNSURL reads the SubscribeURL of a message and accepts only
// https://sns.REGION.amazonaws.com/?Action=ConfirmSubscription..., also with .cn: what it
// gives may be fetched, once the message's signature and topic were found to be good.
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
func SNSURL(raw string) (*url.URL, error) {
	u, err := snsURL(raw)
	if err != nil || u.Path != "/" || u.RawPath != "" {
		return nil, errSNSURL
	}
	query, err := url.ParseQuery(u.RawQuery)
	if actions := query["Action"]; err != nil || len(actions) != 1 || actions[0] != "ConfirmSubscription" {
		return nil, errSNSURL
	}
	return u, nil
}

// snsCertURL reads a SigningCertURL. Its path is that of the AWS SDKs for certificates.
func snsCertURL(raw string) (*url.URL, error) {
	u, err := snsURL(raw)
	if err != nil || u.RawQuery != "" || u.ForceQuery || u.RawPath != "" || !snsCertPath.MatchString(u.Path) {
		return nil, errSNSCertURL
	}
	return u, nil
}

// snsURL reads a URL that names a host of SNS and nothing that could lead elsewhere.
func snsURL(raw string) (*url.URL, error) {
	if len(raw) > maxSNSURL || strings.Contains(raw, "#") {
		return nil, errSNSURL
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || !snsHost.MatchString(u.Host) {
		return nil, errSNSURL // u.Host holds a port too, which the pattern does not allow
	}
	return u, nil
}
