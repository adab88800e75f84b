package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sever/internal/config"
)

// adminClient speaks to the admin API of a running `sever serve`.
type adminClient struct {
	base   string
	token  string
	client *http.Client
}

// maxAnswer bounds what is read of one answer: a page of 1,000 dead letters.
const maxAnswer = 32 << 20

// adminFlags adds --config and --admin; --admin is for a Sever elsewhere.
func (c cli) adminFlags(cmd *cobra.Command) func() (*adminClient, error) {
	path := c.configFlag(cmd)
	address := cmd.Flags().String("admin", "", "the admin address of a running sever, such as http://127.0.0.1:8081 (default: from the configuration)")
	return func() (_ *adminClient, err error) {
		client := &adminClient{client: newHTTPClient(30 * time.Second)}
		if token, _ := c.env("SEVER_ADMIN_TOKEN"); token != "" {
			client.token = token
		}
		if *address != "" {
			client.base, err = baseURL("--admin", *address)
			return client, err
		}
		file, err := path()
		if err != nil {
			return nil, err
		}
		cfg, err := config.Load(file, c.env, config.AdminSecrets)
		if err != nil {
			return nil, usageError{err}
		}
		client.base = "http://" + cfg.Admin.Listen
		if cfg.Admin.Token.IsSet() {
			client.token = cfg.Admin.Token.Reveal()
		}
		return client, nil
	}
}

// asks makes of cmd one that asks a running sever.
func (c cli) asks(cmd *cobra.Command, run func(ctx context.Context, admin *adminClient, args []string) error) *cobra.Command {
	connect := c.adminFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		admin, err := connect()
		if err != nil {
			return err
		}
		return run(cmd.Context(), admin, args)
	}
	return cmd
}

// apiError is an answer other than 2xx.
type apiError struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

func (p *apiError) Error() string {
	if p.Detail == "" {
		return fmt.Sprintf("sever answered %d %s", p.Status, printable(p.Title))
	}
	return printable(p.Detail)
}

// do sends a request and decodes the answer into result, unless that is nil.
func (a *adminClient) do(ctx context.Context, method, path string, body, result any) error {
	req, err := a.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("no sever answers at %s: start `sever serve`, or name its admin address by --admin", a.base)
		}
		return fmt.Errorf("ask sever: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read sever's answer: %w", err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		problem := &apiError{Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode)}
		if err := json.Unmarshal(answer, problem); err != nil {
			problem.Detail = "" // not ours: the status says enough
		}
		return problem
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(answer, result); err != nil {
		return fmt.Errorf("decode sever's answer: %w", err)
	}
	return nil
}

func (a *adminClient) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		payload = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, payload)
	if err != nil {
		return nil, usageError{fmt.Errorf("--admin: %w", err)}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	return req, nil
}

// printJSON is what --json does on every listing.
func (c cli) printJSON(value any) error {
	encoder := json.NewEncoder(c.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value) //nolint:wrapcheck // nobody is left to tell
}
