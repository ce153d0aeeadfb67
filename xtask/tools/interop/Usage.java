import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.LeadsApi;
import org.openapitools.client.model.Error;
import org.openapitools.client.model.Lead;
import org.openapitools.client.model.LeadCreate;
import org.openapitools.client.model.LeadListResponse;
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
        Lead lead = leads.leadsCreate(new LeadCreate().firstName("Rina").phone("+62 857-1111-5555"), null).getData();
        expect("new".equals(lead.getStatus()) && lead.getEmail() == null, lead);
    }

    private static void expect(boolean holds, Object got) {
        if (!holds) {
            throw new AssertionError(got);
        }
    }
}
