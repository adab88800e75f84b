package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sever/internal/config"
	"sever/source"
)

func (c cli) send() *cobra.Command {
	cmd := &cobra.Command{
		Use: "send SOURCE", Short: "Send a delivery as a source's sender would, for practice and for checks", Args: usageArgs(cobra.ExactArgs(1)),
		Long: "Without --file it sends a made-up event hook delivery, with an event of --type about --person.\n" +
			"Exits 0 when Sever accepted it.",
	}
	path := c.configFlag(cmd)
	flags := cmd.Flags()
	file := flags.String("file", "", "send these bytes; - reads standard input")
	base := flags.String("url", "", "where senders reach Sever (default: from the configuration's listen)")
	person := flags.String("person", "00u1practice2person3", "the Okta user id in the made-up event")
	kind := flags.String("type", "user.lifecycle.suspend", "the made-up event's type")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		configFile, err := path()
		if err != nil {
			return err
		}
		cfg, err := config.Load(configFile, c.env, config.SenderSecrets)
		if err != nil {
			return usageError{err}
		}
		settings, known := cfg.Sources[args[0]]
		if !known {
			return usageError{fmt.Errorf("%s has no source %q", configFile, args[0])}
		}
		body, err := c.body(*file, source.OktaSample{Type: *kind, User: *person, Published: time.Now()})
		if err != nil {
			return err
		}
		target := listenURL(cfg)
		if *base != "" {
			if target, err = baseURL("--url", *base); err != nil {
				return err
			}
		}
		return c.deliver(cmd.Context(), target+"/v1/hooks/"+args[0], settings.Verify, body)
	}
	return cmd
}

// listenURL is where the configuration lets senders in.
func listenURL(cfg *config.Config) string {
	if cfg.TLS != nil {
		return "https://" + cfg.Listen
	}
	return "http://" + cfg.Listen
}

func (c cli) body(file string, sample source.OktaSample) ([]byte, error) {
	var body []byte
	var err error
	switch file {
	case "":
		return sample.Body(), nil
	case "-":
		body, err = io.ReadAll(c.in)
	default:
		body, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("--file: %w", err)}
	}
	return body, nil
}

// sendTimeout is how long Okta waits for an event hook's answer.
const sendTimeout = 3 * time.Second

func (c cli) deliver(ctx context.Context, target string, verify config.Verify, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return usageError{fmt.Errorf("--url: %w", err)}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(verify.Header, verify.Secrets[0].Reveal())
	began := time.Now()
	resp, err := newHTTPClient(sendTimeout).Do(req)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	fmt.Fprintf(c.out, "%s in %s, request id %s\n", resp.Status, time.Since(began).Round(10*time.Microsecond), resp.Header.Get("X-Request-Id"))
	if resp.StatusCode >= http.StatusMultipleChoices {
		return errors.New("not accepted: " + printable(string(answer)))
	}
	return nil
}
