package config

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// TLS serves the senders' address over HTTPS. Open the files by these paths, again after a renewal if you like.
type TLS struct {
	Cert       File   `yaml:"cert" jsonschema:"required" doc:"Certificate chain in PEM, leaf first, as file:PATH."`
	Key        File   `yaml:"key" jsonschema:"required" doc:"Private key of the certificate in PEM, as file:PATH."`
	ClientCA   File   `yaml:"client_ca" doc:"CA certificates in PEM, as file:PATH. When given, senders must present a certificate signed by one of them; Okta cannot: see client_auth."`
	ClientAuth string `yaml:"client_auth" jsonschema:"default=required,enum=required,enum=optional" doc:"required: no connection without a client certificate. optional: only sources of verify type mtls ask for one."`
}

// Admin is the operators' side. It is plain HTTP.
type Admin struct {
	Listen string `yaml:"listen" jsonschema:"default=127.0.0.1:8081" doc:"Address for operators, host:port. Keep it off the internet."`
	URL    string `yaml:"url" doc:"Where operators reach this address from elsewhere, such as https://sever.corp.example, through a proxy that ends TLS. With it and token, notices carry signed links that approve or reject a hold. http only for a loopback address."`
	Token  Secret `yaml:"token" doc:"Bearer token for the admin API. Required when listen is not a loopback address."`
}

func (c *Config) checkListeners(r *report) {
	checkAddress(r, "listen", c.Listen)
	checkAddress(r, "admin.listen", c.Admin.Listen)
	checkAdminURL(r, "admin.url", c.Admin.URL)
	if !r.sound("listen", "admin.listen", "admin.token") {
		return
	}

	if c.Listen == c.Admin.Listen && portOf(c.Listen) != "0" {
		r.add(r.firstWritten("admin.listen", "listen"), "listen and admin.listen are the same address", "give operators a port of their own")
	}
	if !c.Admin.Token.IsSet() && !loopbackAddress(c.Admin.Listen) {
		r.add("admin.token", "required, because admin.listen is not a loopback address", "add env:NAME or file:PATH, or listen on 127.0.0.1")
	}
	checkHeaderSecret(r, "admin.token", c.Admin.Token)
}

func (t *TLS) check(r *report) {
	if t == nil || !r.sound("tls", "tls.cert", "tls.key", "tls.client_ca") {
		return
	}

	if _, err := tls.LoadX509KeyPair(string(t.Cert), string(t.Key)); err != nil {
		r.add("tls.cert", "certificate and key cannot be used together: "+quote(err.Error()), "give the PEM files of one certificate and its private key")
	}
	if info, err := os.Stat(string(t.Key)); err == nil {
		warnIfOpen(r, "tls.key", string(t.Key), info)
	}
	if t.ClientCA == "" {
		return
	}
	authorities, err := os.ReadFile(string(t.ClientCA))
	if err != nil || !x509.NewCertPool().AppendCertsFromPEM(authorities) {
		r.add("tls.client_ca", "holds no certificate", "give a PEM file of CA certificates")
	}
}

func checkAddress(r *report, field, address string) {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		r.add(field, quote(address)+" is not an address", "write host:port, such as 127.0.0.1:8080 or 0.0.0.0:8080")
	}
}

// checkAdminURL asks for TLS on the way: what goes there proves that its sender may decide.
func checkAdminURL(r *report, field, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
		r.add(field, "is not an https URL", "write https://sever.corp.example")
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		r.add(field, "http would send signed links unencrypted", "write https; http is for loopback addresses only")
	case u.User != nil || u.Path != "" || strings.ContainsAny(text, "?#"):
		r.add(field, "has more than a host", "end it after the host and its port, without a slash: https://sever.corp.example")
	}
}

func portOf(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}

	return port
}

func loopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)

	return err == nil && loopbackHost(host)
}

func loopbackHost(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
