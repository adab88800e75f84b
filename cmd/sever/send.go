package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sever/internal/config"
	"sever/internal/practice"
	"sever/source/preset"
	"sever/source/verify"
)

// sending is what `sever send` was asked for.
type sending struct {
	file, url, key string

	person, kind, sample string
}

func (c cli) send() *cobra.Command {
	cmd := &cobra.Command{
		Use: "send SOURCE", Short: "Send a delivery as a source's sender would, for practice and for checks", Args: usageArgs(cobra.ExactArgs(1)),
		Long: "SOURCE is a name under sources, or the type of exactly one of them. Without --file it sends a made-up\n" +
			"delivery of that type about --person, signed with the source's first secret. Sever deals with it as with any\n" +
			"other: where policy.mode is enforce, a real person's sessions end. Exits 0 when Sever accepted it.",
	}
	path := c.configFlag(cmd)
	var asked sending
	flags := cmd.Flags()
	flags.StringVar(&asked.file, "file", "", "send these bytes with the sample's headers; - reads standard input")
	flags.StringVar(&asked.url, "url", "", "where senders reach Sever (default: from the configuration's listen)")
	flags.StringVar(&asked.person, "person", "", "whom the made-up delivery names, as the sender would (default: the sample's)")
	flags.StringVar(&asked.kind, "type", "", "the made-up event's type, where the sample leaves it open")
	flags.StringVar(&asked.sample, "sample", "", "which of the type's samples; a wrong name lists them")
	flags.StringVar(&asked.key, "key", "", "the sender's private key in PEM, for types that sign with one; the source's verify must trust its public key")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		configFile, err := path()
		if err != nil {
			return err
		}
		cfg, err := config.Load(configFile, c.env, config.SenderSecrets)
		if err != nil {
			return usageError{err}
		}
		name, err := sourceNamed(cfg, args[0])
		if err != nil {
			return usageError{fmt.Errorf("%s %w", configFile, err)}
		}
		req, err := c.signed(cmd.Context(), cfg, name, asked)
		if err != nil {
			return err
		}
		return c.deliver(req, cfg.Sources[name])
	}
	return cmd
}

// sourceNamed finds a source by its name, or by its type where that is unambiguous.
func sourceNamed(cfg *config.Config, name string) (string, error) {
	if _, known := cfg.Sources[name]; known {
		return name, nil
	}
	var ofType []string
	for candidate, settings := range cfg.Sources {
		if settings.Type == name {
			ofType = append(ofType, candidate)
		}
	}
	slices.Sort(ofType)
	switch len(ofType) {
	case 1:
		return ofType[0], nil
	case 0:
		return "", fmt.Errorf("has no source %q; it has %s", name, strings.Join(slices.Sorted(maps.Keys(cfg.Sources)), ", "))
	default:
		return "", fmt.Errorf("has several sources of type %q: name one of %s", name, strings.Join(ofType, ", "))
	}
}

// signed makes the request as the source's sender would.
func (c cli) signed(ctx context.Context, cfg *config.Config, name string, asked sending) (*http.Request, error) {
	sender := practice.Sender{Settings: cfg.Sources[name], Now: time.Now()}
	var err error
	if asked.key != "" {
		if sender.Key, err = practice.LoadKey(asked.key); err != nil {
			return nil, usageError{fmt.Errorf("--key: %w", err)}
		}
	}
	body, headers, err := c.body(sender.Settings, name, asked, sender.Now)
	if err != nil {
		return nil, usageError{err}
	}
	target := listenURL(cfg)
	if asked.url != "" {
		if target, err = baseURL("--url", asked.url); err != nil {
			return nil, err
		}
	}
	req, err := sender.Request(ctx, target+"/v1/hooks/"+name, body, headers)
	if errors.Is(err, verify.ErrNoKey) {
		return nil, usageError{fmt.Errorf("%w: sources.%s signs with one; name a file that holds it in PEM by --key, and the public key in sources.%s.verify", verify.ErrNoKey, name, name)}
	}
	if err != nil {
		return nil, usageError{err}
	}
	return req, nil
}

// listenURL is where the configuration lets senders in.
func listenURL(cfg *config.Config) string {
	if cfg.TLS != nil {
		return "https://" + cfg.Listen
	}
	return "http://" + cfg.Listen
}

// body is what to send: the file's bytes, or a sample; with the sample's headers.
func (c cli) body(settings config.Source, name string, asked sending, now time.Time) (body []byte, headers map[string]string, err error) {
	kind := settings.Preset()
	message, err := practice.Sample(kind, asked.sample)
	if err != nil {
		return nil, nil, fmt.Errorf("--sample: %w", err)
	}
	values := preset.Values{Person: asked.person, Type: asked.kind, Source: name, At: now}
	if len(settings.Verify.Secrets) > 0 {
		values.Secret = settings.Verify.Secrets[0].Reveal()
	}
	body, headers, err = kind.Fill(message, values)
	if err != nil {
		return nil, nil, fmt.Errorf("--sample: %w", err)
	}
	if asked.file == "" {
		return body, headers, nil
	}
	if asked.file == "-" {
		body, err = io.ReadAll(c.in)
	} else {
		body, err = os.ReadFile(asked.file)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("--file: %w", err)
	}
	return body, headers, nil
}

// sendTimeout is how long Okta waits for an event hook's answer.
const sendTimeout = 3 * time.Second

func (c cli) deliver(req *http.Request, settings config.Source) error {
	began := time.Now()
	resp, err := newHTTPClient(sendTimeout).Do(req)
	if err != nil {
		return fmt.Errorf("send: %w; start `sever serve`, or say by --url where senders reach it", withoutURL(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	fmt.Fprintf(c.out, "%s in %s, request id %s\n", printable(resp.Status), time.Since(began).Round(10*time.Microsecond),
		printable(withoutSecrets(resp.Header.Get("X-Request-Id"), settings)))
	if resp.StatusCode >= http.StatusMultipleChoices {
		return errors.New("not accepted: " + printable(withoutSecrets(string(answer), settings)))
	}
	return nil
}

// withoutSecrets leaves a source's secrets out of an answer: a server on the way may repeat
// the URL or the body that it was sent, which holds the secret for some senders.
func withoutSecrets(answer string, settings config.Source) string {
	for _, proof := range settings.Proofs() {
		for _, secret := range proof.Secrets {
			plain := secret.Reveal()
			for _, written := range []string{plain, url.QueryEscape(plain), url.PathEscape(plain), strings.Trim(inJSON(plain), `"`)} {
				answer = strings.ReplaceAll(answer, written, "[secret]")
			}
		}
	}
	return answer
}

func inJSON(text string) string {
	encoded, _ := json.Marshal(text) //nolint:errchkjson // any text can be written
	return string(encoded)
}
