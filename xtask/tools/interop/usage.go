// Uses the client that openapi-generator makes of openapi.yaml for Go.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"konektor"
)

func main() {
	configuration := konektor.NewConfiguration()
	configuration.Servers = konektor.ServerConfigurations{{URL: os.Getenv("KONEKTOR_BASE_URL")}}
	client := konektor.NewAPIClient(configuration)
	key := context.WithValue(context.Background(), konektor.ContextAccessToken, os.Getenv("KONEKTOR_API_KEY"))

	// Only FirstName is required.
	lead := konektor.NewLeadCreate("Dewi")
	lead.SetPhone("+62 857-1111-4444")
	created, _, err := client.LeadsAPI.LeadsCreate(key).LeadCreate(*lead).Execute()
	check(err)
	data := created.Data
	expect(data.Status == "new" && data.Email.Get() == nil, "a new lead without an email", data)

	listed, _, err := client.LeadsAPI.LeadsList(key).Status("new").Limit(10).Execute()
	check(err)
	found := false
	for _, lead := range listed.Data {
		found = found || lead.Id == data.Id
	}
	expect(found, "the new lead in the list", listed)

	change := konektor.NewLeadUpdate()
	change.SetStatus("qualified")
	change.SetPhoneNil()
	updated, _, err := client.LeadsAPI.LeadsUpdate(key, data.UniqueCode).LeadUpdate(*change).Execute()
	check(err)
	expect(updated.Data.Status == "qualified" && updated.Data.Phone.Get() == nil, "a changed lead", updated)

	// A failure is an error, which has the typed body.
	lead.SetEmail("not-an-address")
	_, response, err := client.LeadsAPI.LeadsCreate(key).LeadCreate(*lead).Execute()
	var refused *konektor.GenericOpenAPIError
	expect(errors.As(err, &refused) && response.StatusCode == http.StatusBadRequest, "a refusal", err)
	failure, ok := refused.Model().(konektor.Error)
	expect(ok && !failure.Success, "the body of an error", refused.Model())
	expect(failure.Error.Code == "VALIDATION_ERROR", "a validation error", failure)
	expect(failure.Error.Details["email"] != "", "the field email", failure)

	// The client was generated before this status existed.
	later, _, err := client.LeadsAPI.LeadsGet(key, os.Getenv("KONEKTOR_LEAD_ID")).Execute()
	check(err)
	expect(later.Data.Status == "hot", "the unknown status", later)
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func expect(holds bool, what string, got any) {
	if !holds {
		fail(fmt.Sprintf("expected %s, got %+v", what, got))
	}
}

func fail(reason any) {
	fmt.Fprintln(os.Stderr, reason)
	os.Exit(1)
}
