package okta

import (
	"context"
	"fmt"
	"net/url"
)

// maxPages bounds what one list fetches: at 200 entries a page, more than any person should have.
const maxPages = 50

// listAll fetches a list page after page, at most 50 of them. The Receipt is that of the last page. An error on any page is an
// error of the whole: half a list would look like a person who is not protected.
func listAll[T any](ctx context.Context, c *Client, op operation, query url.Values, decode func([]byte) ([]T, error)) ([]T, Receipt, error) {
	var all []T
	var receipt Receipt
	for range maxPages {
		var body []byte
		var err error
		op.target.query = query.Encode()
		body, receipt, err = c.do(ctx, op)
		if err != nil {
			return nil, receipt, err
		}
		page, err := decode(body)
		if err != nil {
			return nil, receipt, unexpectedAnswer(op.name, receipt, err)
		}
		all = append(all, page...)
		next, err := c.nextQuery(receipt.next, op.target.path)
		if err != nil {
			return nil, receipt, unexpectedAnswer(op.name, receipt, err)
		}
		if next == nil {
			return all, receipt, nil
		}
		query.Set("after", next.Get("after"))
	}
	return nil, receipt, unexpectedAnswer(op.name, receipt, fmt.Errorf("more than %d pages", maxPages))
}
