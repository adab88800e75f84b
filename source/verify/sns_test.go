package verify_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/verify"
)

const (
	snsTopic = "arn:aws:sns:us-west-2:123456789012:MyTopic"
	snsCert  = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem"
)

// snsNotification is as in
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
func snsNotification() map[string]any {
	return map[string]any{
		"Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": snsTopic,
		"Subject": "My First Message", "Message": "Hello \"world\"!\n", "Timestamp": "2026-03-01T12:00:00.000Z",
		"SigningCertURL": snsCert, "UnsubscribeURL": "https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe",
		"MessageAttributes": map[string]any{"a": map[string]any{"Type": "String", "Value": "b"}},
	}
}

func snsConfirmation() map[string]any {
	return map[string]any{
		"Type": "SubscriptionConfirmation", "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b", "Token": "2336412f37",
		"TopicArn": snsTopic, "Message": "You have chosen to subscribe", "Timestamp": "2026-03-01T12:00:00.000Z",
		"SubscribeURL":   "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + snsTopic + "&Token=2336412f37",
		"SigningCertURL": snsCert,
	}
}

// snsCertificate makes a certificate as SNS serves it.
func snsCertificate(tb testing.TB, key crypto.Signer, name string, until time.Time) string {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sns.amazonaws.com"}, DNSNames: []string{name},
		NotBefore: tokenNow.Add(-time.Hour), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(tb, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func goodCertificate(tb testing.TB) string {
	tb.Helper()
	return snsCertificate(tb, rsaKey(), "sns.amazonaws.com", tokenNow.Add(time.Hour))
}

func snsConfig() verify.Config {
	return verify.Config{Type: "sns", SNS: &verify.SNS{Topics: []string{snsTopic}, MaxAge: time.Hour}}
}

func snsPinned(t *testing.T) source.Verifier { //nolint:ireturn // as New
	t.Helper()
	config := snsConfig()
	config.SNS.Certificate = secret.New(goodCertificate(t))
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	return verifier
}

func snsSigned(t *testing.T, message map[string]any) []byte {
	t.Helper()
	body, err := json.Marshal(message)
	require.NoError(t, err)
	signed, err := verify.Sign(snsConfig(), rsaKey(), nil, body, tokenNow)
	require.NoError(t, err)
	return signed
}

func snsRequest(body []byte, kind string) source.Request {
	header := http.Header{"Content-Type": {"text/plain; charset=UTF-8"}}
	if kind != "" {
		header.Set("X-Amz-Sns-Message-Type", kind)
	}
	return source.Request{Method: http.MethodPost, Header: header, Body: body, Now: tokenNow}
}

func TestSNSGenuine(t *testing.T) {
	t.Parallel()
	noSubject := snsNotification()
	delete(noSubject, "Subject")
	lambda := snsNotification()
	delete(lambda, "SigningCertURL")
	lambda["SigningCertUrl"] = snsCert
	lambdaConfirmation := snsConfirmation()
	lambdaConfirmation["SubscribeUrl"] = lambdaConfirmation["SubscribeURL"]
	delete(lambdaConfirmation, "SubscribeURL")
	unsubscribed := snsConfirmation()
	unsubscribed["Type"] = "UnsubscribeConfirmation"
	verifier := snsPinned(t)
	for name, message := range map[string]map[string]any{
		"notification": snsNotification(), "no subject": noSubject, "confirmation": snsConfirmation(),
		"unsubscribed": unsubscribed, "Lambda's spelling": lambda, "Lambda's spelling, confirmation": lambdaConfirmation,
	} {
		kind, _ := message["Type"].(string)
		verified, err := verifier.Verify(t.Context(), snsRequest(snsSigned(t, message), kind))
		require.NoError(t, err, name)
		require.Equal(t, message["MessageId"], verified.ID)
	}
}

// Version 1 is SHA1withRSA over the same text, which is written out here.
func TestSNSVersion1(t *testing.T) {
	t.Parallel()
	message := snsNotification()
	text := "Message\nHello \"world\"!\n\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\nSubject\nMy First Message\n" +
		"Timestamp\n2026-03-01T12:00:00.000Z\nTopicArn\n" + snsTopic + "\nType\nNotification\n"
	sum := sha1.Sum([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA1, sum[:])
	require.NoError(t, err)
	message["Signature"] = base64.StdEncoding.EncodeToString(signature)
	for version, valid := range map[string]bool{"1": true, "2": false, "3": false, "": false} {
		message["SignatureVersion"] = version
		body, err := json.Marshal(message)
		require.NoError(t, err)
		requireVerdict(t, valid, snsPinned(t), snsRequest(body, "Notification"))
	}
}

func TestSNSTampered(t *testing.T) {
	t.Parallel()
	verifier := snsPinned(t)
	for _, message := range []map[string]any{snsNotification(), snsConfirmation()} {
		kind, _ := message["Type"].(string)
		var signed map[string]any
		require.NoError(t, json.Unmarshal(snsSigned(t, message), &signed))
		for name := range signed {
			if name == "UnsubscribeURL" || name == "MessageAttributes" {
				continue // not signed
			}
			for how, change := range map[string]func(m map[string]any){
				"changed": func(m map[string]any) { m[name] = fmt.Sprint(m[name]) + "x" },
				"removed": func(m map[string]any) { delete(m, name) },
				"null":    func(m map[string]any) { m[name] = nil },
				"number":  func(m map[string]any) { m[name] = 1 },
				"empty":   func(m map[string]any) { m[name] = "" },
			} {
				var copied map[string]any
				require.NoError(t, json.Unmarshal(snsSigned(t, message), &copied))
				change(copied)
				body, err := json.Marshal(copied)
				require.NoError(t, err)
				_, err = verifier.Verify(t.Context(), snsRequest(body, kind))
				require.Error(t, err, "%s %s", name, how)
			}
		}
	}
}

func TestSNSRefused(t *testing.T) {
	t.Parallel()
	verifier := snsPinned(t)
	good := snsSigned(t, snsNotification())
	other := snsNotification()
	other["TopicArn"] = snsTopic + "2"
	swapped := snsConfirmation()
	swapped["Subject"] = "x"
	at := func(timestamp string) []byte {
		message := snsNotification()
		message["Timestamp"] = timestamp
		return snsSigned(t, message)
	}
	long := snsNotification()
	long["MessageId"] = strings.Repeat("m", 257)
	for name, test := range map[string]struct {
		req   source.Request
		valid bool
	}{
		"good":                  {snsRequest(good, "Notification"), true},
		"no type header":        {snsRequest(good, ""), true},
		"other type header":     {snsRequest(good, "SubscriptionConfirmation"), false},
		"topic not listed":      {snsRequest(snsSigned(t, other), "Notification"), false},
		"an hour old":           {snsRequest(at("2026-03-01T11:00:00.000Z"), "Notification"), true},
		"older":                 {snsRequest(at("2026-03-01T10:59:59.999Z"), "Notification"), false},
		"5 minutes ahead":       {snsRequest(at("2026-03-01T12:05:00.000Z"), "Notification"), true},
		"more":                  {snsRequest(at("2026-03-01T12:05:00.001Z"), "Notification"), false},
		"no time":               {snsRequest(at("yesterday"), "Notification"), false},
		"raw delivery":          {snsRequest([]byte(`{"detail":{}}`), ""), false},
		"no JSON":               {snsRequest([]byte(`Hello`), ""), false},
		"empty":                 {snsRequest(nil, ""), false},
		"a member twice":        {snsRequest(bytes.Replace(good, []byte(`{`), []byte(`{"Message":"x",`), 1), "Notification"), false},
		"two spellings":         {snsRequest(bytes.Replace(good, []byte(`{`), []byte(`{"SigningCertUrl":"x",`), 1), "Notification"), false},
		"goes on":               {snsRequest(append(bytes.Clone(good), good...), "Notification"), false},
		"long id":               {snsRequest(snsSigned(t, long), "Notification"), false},
		"subject is not signed": {snsRequest(snsSigned(t, swapped), "SubscriptionConfirmation"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireVerdict(t, test.valid, verifier, test.req)
		})
	}
	for _, timestamp := range []string{"2026-03-01T10:59:59.999Z", "2026-03-01T12:05:00.001Z"} {
		var stale *source.StaleError
		_, err := verifier.Verify(t.Context(), snsRequest(at(timestamp), "Notification"))
		require.ErrorAs(t, err, &stale)
		require.Equal(t, snsNotification()["MessageId"], stale.Verified.ID)
		forged := bytes.Replace(at(timestamp), []byte("Hello"), []byte("Howdy"), 1)
		_, err = verifier.Verify(t.Context(), snsRequest(forged, "Notification"))
		require.Error(t, err)
		require.NotErrorAs(t, err, &stale)
	}
	twice := snsRequest(good, "Notification")
	twice.Header.Add("X-Amz-Sns-Message-Type", "Notification")
	require.Error(t, verifier.Early(twice))
	requireVerdict(t, false, verifier, twice)
}

// hostileURLs are tries to make us fetch from elsewhere, each with %s for a good path.
func hostileURLs() []string {
	return []string{
		"http://sns.us-west-2.amazonaws.com%s", "https://sns.us-west-2.amazonaws.com.evil.com%s", "https://evil.com%s",
		"https://sns.us-west-2.amazonaws.com@evil.com%s", "https://user:p@sns.us-west-2.amazonaws.com%s",
		"https://sns.us-west-2.amazonaws.com:8443%s", "https://sns.us-west-2.amazonaws.com:443%s", "https://sns.us-west-2.amazonaws.com:%s",
		"https://SNS.us-west-2.amazonaws.com%s", "https://sns.amazonaws.com%s", "https://sns..amazonaws.com%s",
		"https://sns.us-west-2.amazonaws.co%s", "https://sns.us-west-2.amazonaws.com.%s", "https://sns.us-west-2.amazonaws.com.cn.evil%s",
		"https://sns.us-west-2xamazonaws.com%s", "https://xsns.us-west-2.amazonaws.com%s", "https://sns.a/b.amazonaws.com%s",
		"https://sns.us-west-2.amazonaws.com\\@evil.com%s", "https://sns.us-west-2.amazonaws.com%%2eevil.com%s", "https://evil.com#sns.us-west-2.amazonaws.com%s",
		"https://evil.com?sns.us-west-2.amazonaws.com%s", "https:sns.us-west-2.amazonaws.com%s", "//sns.us-west-2.amazonaws.com%s",
		"ftp://sns.us-west-2.amazonaws.com%s", "https://sns.us-west-2.amazonaws.com\n%s", " https://sns.us-west-2.amazonaws.com%s",
		"https://169.254.169.254%s", "https://[::1]%s", "https://sns.us-west-2.amazonaws.com%s#x", "https://s3.us-west-2.amazonaws.com%s", "%s",
	}
}

func TestSNSFetchesNothingElsewhere(t *testing.T) {
	t.Parallel()
	answers := &issuer{}
	answers.answers(http.StatusOK, goodCertificate(t), nil)
	verifier, err := verify.New(snsConfig(), verify.Deps{HTTP: &http.Client{Transport: answers}})
	require.NoError(t, err)
	const path = "/SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem"
	urls := []string{}
	for _, url := range hostileURLs() {
		urls = append(urls, fmt.Sprintf(url, path))
	}
	for _, behind := range []string{
		"/", "/bucket/x.pem", path + "?x=1", path + "?", path + "/", "/x" + path, "/../x.pem", strings.ToUpper(path), "/%53impleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem",
		"/SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed.pem", "/SimpleNotificationService-7506A1e35b36ef5a444dd1a8e7cc3ed8.pem", path + strings.Repeat("x", 4096),
	} {
		urls = append(urls, "https://sns.us-west-2.amazonaws.com"+behind)
	}
	for _, url := range urls {
		message := snsNotification()
		message["SigningCertURL"] = url
		_, err := verifier.Verify(t.Context(), snsRequest(snsSigned(t, message), "Notification"))
		require.Error(t, err, url)
		require.NotErrorIs(t, err, source.ErrUnavailable, url)
	}
	require.Zero(t, answers.count())

	message := snsNotification()
	message["SigningCertURL"] = strings.Replace(snsCert, "us-west-2.amazonaws.com", "cn-north-1.amazonaws.com.cn", 1)
	for _, good := range []map[string]any{snsNotification(), message} {
		requireVerdict(t, true, verifier, snsRequest(snsSigned(t, good), "Notification"))
	}
	require.Equal(t, 2, answers.count())
}

func TestSNSURL(t *testing.T) {
	t.Parallel()
	const path = "/?Action=ConfirmSubscription&TopicArn=x&Token=y"
	for _, host := range []string{"sns.us-west-2.amazonaws.com", "sns.cn-north-1.amazonaws.com.cn"} {
		u, err := verify.SNSURL("https://" + host + path)
		require.NoError(t, err)
		require.Equal(t, host, u.Host)
	}
	bad := []string{"", "https://sns.us-west-2.amazonaws.com/" + strings.Repeat("x", 4096)}
	for _, url := range hostileURLs() {
		bad = append(bad, fmt.Sprintf(url, path))
	}
	for _, behind := range []string{
		"/", "/?Action=Unsubscribe", "/x?Action=ConfirmSubscription", "/?action=ConfirmSubscription", "?Action=ConfirmSubscription",
		"/?Action=ConfirmSubscription&Action=DeleteTopic", "/?Action=DeleteTopic&Action=ConfirmSubscription", "/?Action=ConfirmSubscription;x=%zz",
	} {
		bad = append(bad, "https://sns.us-west-2.amazonaws.com"+behind)
	}
	for _, raw := range bad {
		_, err := verify.SNSURL(raw)
		require.Error(t, err, raw)
	}
}

func TestSNSCertificate(t *testing.T) {
	t.Parallel()
	curve := ecdsaKey(t, elliptic.P256())
	good := goodCertificate(t)
	for name, test := range map[string]struct {
		status      int
		body        string
		err         error
		valid       bool
		unavailable bool
	}{
		"good":          {status: 200, body: good, valid: true},
		"newer region":  {status: 200, body: snsCertificate(t, rsaKey(), "sns-signing.eu-south-1.amazonaws.com", tokenNow.Add(time.Hour)), valid: true},
		"China":         {status: 200, body: snsCertificate(t, rsaKey(), "sns-cn-north-1.amazonaws.com.cn", tokenNow.Add(time.Hour)), valid: true},
		"other service": {status: 200, body: snsCertificate(t, rsaKey(), "s3.amazonaws.com", tokenNow.Add(time.Hour))},
		"other name":    {status: 200, body: snsCertificate(t, rsaKey(), "sns.amazonaws.com.evil.com", tokenNow.Add(time.Hour))},
		"expired":       {status: 200, body: snsCertificate(t, rsaKey(), "sns.amazonaws.com", tokenNow.Add(-time.Second))},
		"ECDSA":         {status: 200, body: snsCertificate(t, curve, "sns.amazonaws.com", tokenNow.Add(time.Hour))},
		"no PEM":        {status: 200, body: "hello"},
		"a key":         {status: 200, body: tokenPEM(t, rsaKey().Public()).Reveal()},
		"too large":     {status: 200, body: good + strings.Repeat("x", 64<<10), unavailable: true},
		"not found":     {status: 404, body: good, unavailable: true},
		"redirect":      {status: 302, body: good, unavailable: true},
		"unreachable":   {err: errors.New("no route"), unavailable: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := &issuer{}
			answers.answers(test.status, test.body, test.err)
			verifier, err := verify.New(snsConfig(), verify.Deps{HTTP: &http.Client{Transport: answers}})
			require.NoError(t, err)
			req := snsRequest(snsSigned(t, snsNotification()), "Notification")
			for range 3 {
				_, err = verifier.Verify(t.Context(), req)
				require.Equal(t, test.valid, err == nil, "%v", err)
				require.Equal(t, test.unavailable, errors.Is(err, source.ErrUnavailable))
			}
			require.Equal(t, 1, answers.count(), "kept, be it good or bad")
		})
	}
}

func TestSNSCertificateCache(t *testing.T) {
	t.Parallel()
	good := goodCertificate(t)
	body := snsSigned(t, snsNotification())
	synctest.Test(t, func(t *testing.T) {
		answers := &issuer{}
		verifier, err := verify.New(snsConfig(), verify.Deps{HTTP: &http.Client{Transport: answers}})
		require.NoError(t, err)
		req := snsRequest(body, "Notification")
		answers.hangs()
		var waiting sync.WaitGroup
		for range 20 {
			waiting.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				if _, err := verifier.Verify(ctx, req); !errors.Is(err, source.ErrUnavailable) {
					t.Errorf("want unavailable, not %v", err)
				}
			})
		}
		before := time.Now()
		waiting.Wait()
		require.Equal(t, 1, answers.count(), "one fetches for all")
		require.Equal(t, 2*time.Second, time.Since(before))

		answers.answers(http.StatusOK, good, nil)
		pass(29 * time.Second)
		require.ErrorIs(t, verdict(t, verifier, req), source.ErrUnavailable)
		pass(2 * time.Second)
		require.NoError(t, verdict(t, verifier, req))

		// Made-up URLs push the good certificate out of nothing, and cost few fetches.
		answers.answers(http.StatusNotFound, "", nil)
		made := answers.count()
		for i := range 100 {
			message := snsNotification()
			message["SigningCertURL"] = fmt.Sprintf("https://sns.us-west-2.amazonaws.com/SimpleNotificationService-%032x.pem", i)
			require.ErrorIs(t, verdict(t, verifier, snsRequest(snsSigned(t, message), "Notification")), source.ErrUnavailable)
		}
		require.LessOrEqual(t, answers.count()-made, 16)
		require.NoError(t, verdict(t, verifier, req))
		req.Now = tokenNow.Add(2 * time.Hour)
		require.Error(t, verdict(t, verifier, req), "the certificate has expired meanwhile")
	})
}

func TestSNSCheck(t *testing.T) {
	t.Parallel()
	for field, config := range map[string]verify.Config{
		"sns.topics":    {Type: "sns"},
		"sns.topics[0]": {Type: "sns", SNS: &verify.SNS{Topics: []string{"MyTopic"}}},
		"sns.max_age":   {Type: "sns", SNS: &verify.SNS{Topics: []string{snsTopic}, MaxAge: -1}},
	} {
		problems := config.Check()
		require.Len(t, problems, 1)
		require.Equal(t, field, problems[0].Field)
	}
	require.Empty(t, snsConfig().Check())
	_, err := verify.New(snsConfig(), verify.Deps{})
	require.Error(t, err, "no client")
	config := snsConfig()
	config.SNS.Certificate = secret.New("hello")
	_, err = verify.New(config, verify.Deps{})
	require.Error(t, err)
}

func FuzzSNSBody(f *testing.F) {
	var t testing.T
	verifier := snsPinned(&t)
	good := snsSigned(&t, snsNotification())
	f.Add(good)
	f.Add(snsSigned(&t, snsConfirmation()))
	f.Add([]byte(`{"Type":"Notification","MessageId":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		verified, err := verifier.Verify(t.Context(), snsRequest(body, ""))
		if err == nil && (verified.ID == "" || len(verified.ID) > 256) {
			t.Errorf("id %q", verified.ID)
		}
	})
}
