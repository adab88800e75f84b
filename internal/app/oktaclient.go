package app

import (
	"fmt"
	"time"

	"sever/internal/config"
	"sever/okta"
)

// OktaClient is a client of one configured org, with its credential.
type OktaClient struct {
	*okta.Client

	auth *okta.OAuth // nil with an API token
}

// NewOktaClient makes the client of an org. The caller closes it.
func NewOktaClient(name string, settings config.Org, options Options) (*OktaClient, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	made := &OktaClient{}
	auth, err := made.authorizer(settings, options)
	if err != nil {
		return nil, fmt.Errorf("orgs.%s.auth: %w", name, err)
	}
	made.Client, err = okta.New(okta.Config{
		BaseURL: settings.URL, Auth: auth, Reserve: settings.Budget.Reserve, MaxInFlight: options.maxInFlight,
		AttemptTimeout: options.attemptTimeout,
		Now:            options.Now, UserAgent: "sever/" + options.Version,
	})
	if err != nil {
		made.closeAuth()
		return nil, fmt.Errorf("orgs.%s: %w", name, err)
	}
	return made, nil
}

// Close ends a token call in the works and gives idle connections back.
func (c *OktaClient) Close() {
	c.closeAuth()
	c.CloseIdleConnections()
}

func (c *OktaClient) closeAuth() {
	if c.auth != nil {
		c.auth.Close()
	}
}

func (c *OktaClient) authorizer(settings config.Org, options Options) (okta.Authorizer, error) { //nolint:ireturn // one of two kinds
	if settings.Auth.Type == "ssws" {
		return okta.SSWS(settings.Auth.Token.Reveal())
	}
	keys := []okta.Key{{ID: settings.Auth.KeyID, PEM: okta.KeyFile(string(settings.Auth.Key))}}
	if settings.Auth.NextKey != "" {
		keys = append(keys, okta.Key{ID: settings.Auth.NextKeyID, PEM: okta.KeyFile(string(settings.Auth.NextKey))})
	}
	oauth, err := okta.PrivateKeyJWT(okta.OAuthConfig{
		OrgURL: settings.URL, ClientID: settings.Auth.ClientID, Keys: keys, Scopes: settings.Auth.Scopes,
		DisableDPoP: !settings.Auth.DPoP, Now: options.Now,
		Warn: func(err error) { options.Logger.Warn("signing in to Okta", "org", settings.URL, "error", err) },
	})
	if err != nil {
		return nil, err
	}
	c.auth = oauth
	return oauth, nil
}
