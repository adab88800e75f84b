package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

const bucketEventHooks = "event_hooks"

// CreateEventHook registers an event hook: POST /api/v1/eventHooks. It comes back ACTIVE and UNVERIFIED, and gets no event
// until [Client.VerifyEventHook] has succeeded; after that it takes minutes until the first one comes.
//
// Scope: okta.eventHooks.manage. Errors: those of [Client.RevokeUserSessions], and [*InvalidEventHookError] before anything
// is sent.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/EventHook/#tag/EventHook/operation/createEventHook
func (c *Client) CreateEventHook(ctx context.Context, spec EventHookSpec) (RegisteredEventHook, Receipt, error) {
	return c.sendEventHook(ctx, "create event hook", target{method: http.MethodPost, path: eventHooksPath}, &spec)
}

// GetEventHook reads one event hook: GET /api/v1/eventHooks/{id}. Okta never shows the secret.
//
// Scope: okta.eventHooks.read. Errors: those of [Client.RevokeUserSessions], and [*InvalidEventHookIDError] before anything
// is sent.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/EventHook/#tag/EventHook/operation/getEventHook
func (c *Client) GetEventHook(ctx context.Context, id EventHookID) (RegisteredEventHook, Receipt, error) {
	return c.callEventHook(ctx, "get event hook", http.MethodGet, id, "", nil)
}

// ListEventHooks reads all event hooks of the org: GET /api/v1/eventHooks.
//
// Scope: okta.eventHooks.read. Errors: those of [Client.RevokeUserSessions].
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/EventHook/#tag/EventHook/operation/listEventHooks
func (c *Client) ListEventHooks(ctx context.Context) ([]RegisteredEventHook, Receipt, error) {
	const op = "list event hooks"
	body, receipt, err := c.do(ctx, operation{
		name: op, bucket: bucketEventHooks, want: http.StatusOK, maxBody: maxUserBody,
		target: target{method: http.MethodGet, path: eventHooksPath},
	})
	if err != nil {
		return nil, receipt, err
	}
	if receipt.next != "" {
		// Okta documents no pages here. With half of the list, a hook would be taken for missing and made again.
		return nil, receipt, unexpectedAnswer(op, receipt, errors.New("list has a second page"))
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, receipt, unexpectedAnswer(op, receipt, errors.New("body is not a list of event hooks"))
	}
	hooks := make([]RegisteredEventHook, 0, len(raw))
	for _, r := range raw {
		hook, err := decodeEventHook(r)
		if err != nil {
			return nil, receipt, unexpectedAnswer(op, receipt, err)
		}
		hooks = append(hooks, hook)
	}
	return hooks, receipt, nil
}

// ReplaceEventHook puts a new registration in the place of an old one: PUT /api/v1/eventHooks/{id}. Another URI, header or
// secret makes the hook UNVERIFIED, which stops its events until it is verified again.
//
// Scope: okta.eventHooks.manage. Errors: those of [Client.CreateEventHook] and [Client.GetEventHook].
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/EventHook/#tag/EventHook/operation/replaceEventHook
func (c *Client) ReplaceEventHook(ctx context.Context, id EventHookID, spec EventHookSpec) (RegisteredEventHook, Receipt, error) {
	return c.callEventHook(ctx, "replace event hook", http.MethodPut, id, "", &spec)
}

// ActivateEventHook makes an INACTIVE hook ACTIVE: POST /api/v1/eventHooks/{id}/lifecycle/activate.
//
// Scope: okta.eventHooks.manage. Errors: those of [Client.GetEventHook].
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/EventHook/#tag/EventHook/operation/activateEventHook
func (c *Client) ActivateEventHook(ctx context.Context, id EventHookID) (RegisteredEventHook, Receipt, error) {
	return c.callEventHook(ctx, "activate event hook", http.MethodPost, id, "/lifecycle/activate", nil)
}

// DeactivateEventHook makes a hook INACTIVE: POST /api/v1/eventHooks/{id}/lifecycle/deactivate. What happens while it is
// inactive is never sent.
//
// Scope: okta.eventHooks.manage. Errors: those of [Client.GetEventHook].
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/EventHook/#tag/EventHook/operation/deactivateEventHook
func (c *Client) DeactivateEventHook(ctx context.Context, id EventHookID) (RegisteredEventHook, Receipt, error) {
	return c.callEventHook(ctx, "deactivate event hook", http.MethodPost, id, "/lifecycle/deactivate", nil)
}

// VerifyEventHook has Okta send its challenge to the hook's URI: POST /api/v1/eventHooks/{id}/lifecycle/verify. It takes as
// long as the endpoint takes, up to two tries of 3 seconds.
//
// Scope: okta.eventHooks.manage. Errors: those of [Client.GetEventHook]; an endpoint that does not answer as it should is a
// 400, [ClassInvalid].
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/EventHook/#tag/EventHook/operation/verifyEventHook
func (c *Client) VerifyEventHook(ctx context.Context, id EventHookID) (RegisteredEventHook, Receipt, error) {
	return c.callEventHook(ctx, "verify event hook", http.MethodPost, id, "/lifecycle/verify", nil)
}

// DeleteEventHook removes an INACTIVE hook for good: DELETE /api/v1/eventHooks/{id}, success is 204.
//
// Scope: okta.eventHooks.manage. Errors: those of [Client.GetEventHook]; an active hook is refused by Okta.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/EventHook/#tag/EventHook/operation/deleteEventHook
func (c *Client) DeleteEventHook(ctx context.Context, id EventHookID) (Receipt, error) {
	const op = "delete event hook"
	path, err := eventHookPath(id, "")
	if err != nil {
		return c.unsent(), fmt.Errorf("%s: %w", op, err)
	}
	_, receipt, err := c.do(ctx, operation{
		name: op, bucket: bucketEventHooks, want: http.StatusNoContent, maxBody: maxErrorBody,
		target: target{method: http.MethodDelete, path: path},
	})
	return receipt, err
}

// callEventHook makes a call about one hook.
func (c *Client) callEventHook(
	ctx context.Context, op, method string, id EventHookID, step string, spec *EventHookSpec,
) (RegisteredEventHook, Receipt, error) {
	path, err := eventHookPath(id, step)
	if err != nil {
		return RegisteredEventHook{}, c.unsent(), fmt.Errorf("%s: %w", op, err)
	}
	hook, receipt, err := c.sendEventHook(ctx, op, target{method: method, path: path}, spec)
	if err == nil && hook.ID != id {
		return RegisteredEventHook{}, receipt, unexpectedAnswer(op, receipt, errors.New("answer is about another event hook"))
	}
	return hook, receipt, err
}

// sendEventHook sends a registration, or nothing, and reads the hook in the answer.
func (c *Client) sendEventHook(ctx context.Context, op string, to target, spec *EventHookSpec) (RegisteredEventHook, Receipt, error) {
	secrets := []string(nil)
	if spec != nil {
		body, err := spec.encode()
		if err != nil {
			return RegisteredEventHook{}, c.unsent(), fmt.Errorf("%s: %w", op, err)
		}
		to.body, secrets = body, spec.secrets()
	}
	body, receipt, err := c.do(ctx, operation{name: op, bucket: bucketEventHooks, want: http.StatusOK, maxBody: maxUserBody, target: to})
	if err != nil {
		return RegisteredEventHook{}, receipt, withoutSecrets(err, secrets...)
	}
	hook, err := decodeEventHook(body)
	if err != nil {
		return RegisteredEventHook{}, receipt, unexpectedAnswer(op, receipt, err)
	}
	return hook, receipt, nil
}
