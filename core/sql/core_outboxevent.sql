-- Events are published once and stay.
CREATE TRIGGER core_outboxevent_append_only BEFORE UPDATE OR DELETE ON core_outboxevent
    FOR EACH ROW EXECUTE FUNCTION tactus_append_only();
