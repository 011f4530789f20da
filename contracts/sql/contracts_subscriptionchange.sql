-- What became of a subscription's quantity or seats is only added to: what was billed by it can be told again.
CREATE TRIGGER contracts_subscriptionchange_append_only BEFORE UPDATE OR DELETE ON contracts_subscriptionchange
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();
