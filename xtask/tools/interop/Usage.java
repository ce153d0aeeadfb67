import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.LeadsApi;
import org.openapitools.client.model.Error;
import org.openapitools.client.model.Lead;
import org.openapitools.client.model.LeadCreate;
import org.openapitools.client.model.LeadListResponse;
import org.openapitools.client.model.LeadStatus;
import org.openapitools.client.model.LeadUpdate;

/** Uses the client that openapi-generator makes of openapi.yaml for Java. */
public final class Usage {
    public static void main(String[] arguments) throws Exception {
        ApiClient client = new ApiClient();
        client.updateBaseUri(System.getenv("KONEKTOR_BASE_URL"));
        client.setRequestInterceptor(
                request -> request.header("Authorization", "Bearer " + System.getenv("KONEKTOR_API_KEY")));
        LeadsApi leads = new LeadsApi(client);

        // Only firstName is required.
        LeadCreate create = new LeadCreate().firstName("Rina").phone("+62 857-1111-5555");
        Lead lead = leads.leadsCreate(create, null).getData();
        expect(lead.getStatus().equals("new") && lead.getEmail() == null, lead);

        LeadListResponse listed =
                leads.leadsList(
                        null, 10L, null, LeadStatus.NEW, null, null, null, null, null, null, null, null, null);
        expect(listed.getData().contains(lead), listed);

        LeadUpdate change = new LeadUpdate().status(LeadStatus.QUALIFIED);
        Lead updated = leads.leadsUpdate(lead.getUniqueCode(), change, null).getData();
        expect(updated.getStatus().equals("qualified"), updated);

        // A failure is an exception, whose body has another type than a success.
        try {
            leads.leadsCreate(create.email("not-an-address"), null);
            throw new AssertionError("created a lead with an invalid email");
        } catch (ApiException exception) {
            Error refused = client.getObjectMapper().readValue(exception.getResponseBody(), Error.class);
            expect(exception.getCode() == 400 && !refused.getSuccess(), refused);
            Map<String, String> details = refused.getError().getDetails();
            expect(refused.getError().getCode().equals("VALIDATION_ERROR") && details.containsKey("email"), refused);
        }

        // The client was generated before this status existed.
        Lead later = leads.leadsGet(System.getenv("KONEKTOR_LEAD_ID")).getData();
        expect(later.getStatus().equals("hot"), later);
    }

    private static void expect(boolean holds, Object got) {
        if (!holds) {
            throw new AssertionError(got);
        }
    }
}
